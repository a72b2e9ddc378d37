#pragma once
// SharedLimiter: a rate limit that several processes keep together through Redis, and that no request waits for.
//
//     redis::SharedLimiter limiter(client, {.rate = {1000, 1s}}, {.instances = 3});
//     resilience::LimitDecision decision = limiter.take("consumer:7", Clock::now());     // a lock and some arithmetic
//
// Each process decides from its own copy of a bucket (GCRA, as TokenBucket). What it let through is told to Redis every `sync`: one atomic script adds it to
// the bucket that all share and answers how full that is, which the copy then takes on. So together they may let through more than the limit by what the others
// took within one sync, at most a burst each, and pay for it afterwards. While Redis is away each keeps to its share: rate and burst over `instances`.

#include <memory>
#include <string>
#include <string_view>

#include "yun/cache/redis/client.hpp"
#include "yun/resilience/token_bucket.hpp"

namespace yun::cache::redis {

struct SharedLimiterOptions {
  unsigned instances = 1;  ///< processes that share the limit; for when Redis is away
  Duration sync = std::chrono::milliseconds(100);
  Duration away = std::chrono::milliseconds(500);  ///< without an answer for so long, Redis is away
  std::string prefix = "limit:";                   ///< of the keys in Redis: prefix{key}, one hash slot each
  std::size_t max_in_sync = 1000;                  ///< keys told in one sync; the others wait for the next
};

class SharedLimiter {
 public:
  SharedLimiter(Client client, const resilience::LimiterOptions& limit, SharedLimiterOptions options = {});
  ~SharedLimiter();

  /// On any loop; never waits. `limit.max_keys` buckets are kept: beyond, the least recently used goes.
  resilience::LimitDecision take(std::string_view key, TimePoint now, std::uint64_t cost = 1);
  /// False while Redis is away, and before it first answered.
  bool is_shared() const;

 private:
  struct State;
  struct Running;
  class Sync;
  std::shared_ptr<State> state_;
  std::unique_ptr<Running> running_;
};

}  // namespace yun::cache::redis
