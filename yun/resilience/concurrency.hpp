#pragma once
// ConcurrencyLimit: how many requests a service works on at once, found by watching its latency (the "gradient" rule of Netflix's
// concurrency-limits): while the latest latency is near the long-run one the limit grows by about its square root, when it rises the limit falls in
// proportion, and never outside [min, max]. Beyond the limit requests are shed at once: a queue would only make everyone late.
//
//     YUN_TRY(permit, limit.acquire(now));
//     ... the request ...
//     limit.release(std::move(permit), now, ConcurrencyLimit::Outcome::Done);
//
// One a loop; not thread-safe. Streams and long polls must use Outcome::Ignored: their duration says nothing about load.

#include <cstdint>
#include <utility>

#include "yun/base/result.hpp"
#include "yun/base/units.hpp"

namespace yun::resilience {

struct ConcurrencyOptions {
  std::uint32_t initial = 128;
  std::uint32_t min = 16;
  std::uint32_t max = 4096;                                 ///< hard: never above, whatever latency says
  double tolerance = 2.0;                                   ///< latency may be this many times the long-run one before the limit falls
  Duration window = std::chrono::milliseconds(100);         ///< the limit is looked at this often,
  std::uint32_t min_samples = 10;                           ///< and only after so many requests
  Duration negligible = std::chrono::milliseconds(2);       ///< latency below that is never a reason to shed
  std::chrono::milliseconds retry_after = std::chrono::seconds(1);
};

class ConcurrencyLimit {
 public:
  enum class Outcome : std::uint8_t {
    Done,     ///< its latency counts
    Dropped,  ///< it ran into a timeout or an overload further down: the limit falls
    Ignored,  ///< says nothing (stream, cancelled by the client)
  };

  /// Gives its place back as Ignored when it goes without release().
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)), began_(other.began_) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(limit_, other.limit_);
      std::swap(began_, other.began_);
      return *this;
    }
    ~Permit() {
      if (limit_) --limit_->in_flight_;
    }

   private:
    friend class ConcurrencyLimit;
    Permit(ConcurrencyLimit* limit, TimePoint began) : limit_(limit), began_(began) {}
    ConcurrencyLimit* limit_ = nullptr;
    TimePoint began_;
  };

  ConcurrencyLimit() : ConcurrencyLimit(ConcurrencyOptions{}) {}
  explicit ConcurrencyLimit(ConcurrencyOptions options);
  ConcurrencyLimit(const ConcurrencyLimit&) = delete;
  ConcurrencyLimit& operator=(const ConcurrencyLimit&) = delete;

  /// Unavailable with reason overloaded and Retry-After if the limit is reached. The permit must not outlive this.
  Result<Permit> acquire(TimePoint now);
  void release(Permit permit, TimePoint now, Outcome outcome);

  std::uint32_t limit() const { return static_cast<std::uint32_t>(limit_); }
  std::uint32_t in_flight() const { return in_flight_; }
  std::uint64_t shed() const { return shed_; }

 private:
  void update(TimePoint now);

  ConcurrencyOptions options_;
  double limit_;
  double long_run_ = 0;  ///< nanoseconds, exponentially averaged over windows; 0 = not known yet
  std::uint32_t in_flight_ = 0;
  std::uint64_t shed_ = 0;
  TimePoint window_began_ = TimePoint::min();
  double window_sum_ = 0;
  std::uint32_t window_samples_ = 0;
  std::uint32_t window_most_ = 0;
  bool window_dropped_ = false;
};

}  // namespace yun::resilience
