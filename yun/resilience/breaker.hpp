#pragma once
// Breaker: sheds calls to a server in proportion to how many of them it fails, as in the SRE book, chapter 21 ("client-side throttling").
//
//     YUN_CHECK(breaker.allow(now));
//     auto result = co_await call(...);
//     breaker.record(now, result);
//
// There is no open and closed: with `calls` and `accepted` counted over ten seconds, a call is refused with probability
// (calls - protection - k * accepted) / (calls + 1). A server that fails everything still gets a trickle, and one call a second at the least, by
// which its recovery is seen. Refused calls are not counted. One for each server and loop; not thread-safe.

#include <cstdint>

#include "yun/base/ids.hpp"
#include "yun/base/result.hpp"
#include "yun/resilience/window.hpp"

namespace yun::resilience {

/// True for what says that the server is in trouble: Unavailable, DeadlineExceeded, Internal, Unknown, DataLoss.
bool counts_against_server(const Error& error);

struct BreakerOptions {
  Duration window = std::chrono::seconds(10);
  double k = 1.5;                                      ///< calls per accepted one that are let through; lower sheds sooner
  double protection = 5;                               ///< failures within the window that never count
  Duration probe_interval = std::chrono::seconds(1);   ///< a call goes through at least this often
  bool (*failure)(const Error& error) = &counts_against_server;
  double (*random)() = &random_unit;
};

class Breaker {
 public:
  Breaker() : Breaker(BreakerOptions{}) {}
  explicit Breaker(BreakerOptions options) : options_(options), window_(options.window) {}

  /// Ok, or Unavailable with reason breaker_open and Retry-After of the probe interval.
  Result<void> allow(TimePoint now);
  /// What an allowed call came to. Cancelled calls say nothing about the server.
  void record(TimePoint now, const Error* error);
  template <typename T>
  void record(TimePoint now, const Result<T>& result) {
    record(now, result ? nullptr : &result.error());
  }
  /// The probability that a call is refused now, for a gauge.
  double refusal(TimePoint now);

 private:
  struct Counts {
    std::int64_t calls = 0;
    std::int64_t accepted = 0;
    void operator+=(const Counts& other) { calls += other.calls, accepted += other.accepted; }
    void operator-=(const Counts& other) { calls -= other.calls, accepted -= other.accepted; }
  };
  BreakerOptions options_;
  Window<Counts, 40> window_;
  TimePoint last_allowed_ = TimePoint::min();
};

}  // namespace yun::resilience
