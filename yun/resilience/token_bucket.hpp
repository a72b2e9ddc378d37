#pragma once
// TokenBucket, KeyedLimiter: at most so many events each second, with bursts. Both are thread-safe: loops share them.
//
// The bucket is kept as one number, the time at which it will be full again (GCRA, ITU-T I.371), so that idle buckets cost nothing and
// may be forgotten without loss.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "yun/base/units.hpp"

namespace yun::resilience {

/// What a limiter says; enough for RateLimit-Limit, -Remaining, -Reset and Retry-After.
struct LimitDecision {
  bool allowed = true;
  std::uint64_t limit = 0;      ///< events that fit in an untouched bucket
  std::uint64_t remaining = 0;  ///< events that would be allowed now
  Duration reset{};             ///< until the bucket is full again
  Duration retry_after{};       ///< until the refused event would be allowed; zero if it was
};

struct LimiterOptions {
  Rate rate{100, std::chrono::seconds(1)};  ///< above zero
  std::uint64_t burst = 0;                  ///< events at once; 0 = what `rate` gives in its own period, at least one
  std::size_t max_keys = 65'536;            ///< KeyedLimiter: the least recently used key is forgotten beyond that (about 150 bytes each)
};

class TokenBucket {
 public:
  explicit TokenBucket(const LimiterOptions& options);
  /// Takes `cost` events or none.
  LimitDecision take(TimePoint now, std::uint64_t cost = 1);

  /// The rule itself, on a bucket that is full at `full_at` (nanoseconds of the steady clock), which apply() moves on; for limiters that keep buckets elsewhere.
  struct Rule {
    std::int64_t interval;  ///< nanoseconds an event takes to come back
    std::uint64_t burst;
    explicit Rule(const LimiterOptions& options);
    LimitDecision apply(std::int64_t& full_at, std::int64_t now, std::uint64_t cost) const;
  };

 private:
  Rule rule_;
  std::atomic<std::int64_t> full_at_{0};
};

/// A bucket for each key (client address, consumer), in shards with a lock each.
class KeyedLimiter {
 public:
  explicit KeyedLimiter(const LimiterOptions& options);
  ~KeyedLimiter();
  KeyedLimiter(KeyedLimiter&&) noexcept;
  KeyedLimiter& operator=(KeyedLimiter&&) noexcept;

  LimitDecision take(std::string_view key, TimePoint now, std::uint64_t cost = 1);
  std::size_t keys() const;
  /// Keys that were forgotten while their bucket was not full: they were given more than their rate. If it grows, raise max_keys.
  std::uint64_t evicted() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yun::resilience
