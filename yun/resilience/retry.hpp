#pragma once
// Retry: again after a pause, if the error says that it may help, the deadline leaves room and the budget allows.
//
// The pause is "full jitter": anything between nothing and base * 2^n. The budget holds retries to a share of live traffic, so that a server
// that is down gets 1.2 times its load and not 3 times (SRE book, chapter 22).

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "yun/base/ids.hpp"
#include "yun/observe/context.hpp"
#include "yun/resilience/window.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::resilience {

/// Unavailable; and ResourceExhausted if it says when to come back. Everything else either failed for good or may have been done.
bool is_retryable(const Error& error);

struct RetryOptions {
  unsigned max_attempts = 3;                           ///< the first one counts
  Duration base = std::chrono::milliseconds(50);       ///< upper end of the first pause; doubles each time
  Duration max_pause = std::chrono::seconds(2);        ///< upper end of any pause
  Duration max_retry_after = std::chrono::seconds(5);  ///< a server that asks for a longer pause is not asked again
  bool (*retryable)(const Error& error) = &is_retryable;
  double (*random)() = &random_unit;  ///< in [0, 1)
};

/// The pauses of one call. The first attempt is not its business.
class Backoff {
 public:
  explicit Backoff(const RetryOptions& options) : options_(options) {}
  /// After a failed attempt: how long to wait before the next, nullopt if there shall be none. `left` is the time to the deadline.
  std::optional<Duration> next(const Error& error, Duration left);
  unsigned attempts() const { return attempts_; }

 private:
  RetryOptions options_;
  unsigned attempts_ = 1;
};

struct RetryBudgetOptions {
  double share = 0.2;            ///< retries per call made
  double min_per_second = 3;     ///< allowed however little traffic there is
};

/// Counts over ten seconds. One for each client and loop; not thread-safe.
class RetryBudget {
 public:
  RetryBudget() : RetryBudget(RetryBudgetOptions{}) {}
  explicit RetryBudget(RetryBudgetOptions options) : options_(options), window_(kLength) {}
  /// A call was made (not a retry).
  void on_call(TimePoint now) { window_.add(now, {.calls = 1, .retries = 0}); }
  /// True if one more retry is within the budget; it is then counted.
  bool take(TimePoint now);

 private:
  static constexpr Duration kLength = std::chrono::seconds(10);
  struct Counts {
    double calls = 0;
    double retries = 0;
    void operator+=(const Counts& other) { calls += other.calls, retries += other.retries; }
    void operator-=(const Counts& other) { calls -= other.calls, retries -= other.retries; }
  };
  RetryBudgetOptions options_;
  Window<Counts, 10> window_;
};

/// Calls attempt(ctx, number) (number from 1) until it gives a value, an error that is not worth a retry, or there is no more room; gives the last
/// result. `attempt` returns a Task<Result<T>> and is kept until the end. `budget` may be null. The call must be idempotent: that is the caller's
/// business.
template <typename F>
auto retry(Context& ctx, RetryOptions options, RetryBudget* budget, F attempt) -> std::invoke_result_t<F&, Context&, unsigned> {
  Backoff backoff(options);
  if (budget) budget->on_call(Clock::now());
  for (;;) {
    auto task = attempt(ctx, backoff.attempts());
    auto result = co_await std::move(task);
    if (result) co_return result;
    const std::optional<Duration> pause = backoff.next(result.error(), ctx.remaining());
    if (!pause) co_return result;
    if (budget && !budget->take(Clock::now())) co_return result;
    auto slept = co_await runtime::sleep_for(ctx, *pause);
    if (!slept) co_return result;
  }
}

}  // namespace yun::resilience
