#include "yun/resilience/retry.hpp"

namespace yun::resilience {

bool is_retryable(const Error& error) {
  return error.code() == Code::Unavailable || (error.code() == Code::ResourceExhausted && error.retry_after());
}

std::optional<Duration> Backoff::next(const Error& error, Duration left) {
  if (attempts_ >= options_.max_attempts || !options_.retryable(error)) return std::nullopt;
  const int doublings = static_cast<int>(std::min(attempts_ - 1, 30U));
  const Duration highest = std::min(options_.max_pause, options_.base * (std::int64_t{1} << doublings));
  Duration pause(static_cast<Duration::rep>(static_cast<double>(highest.count()) * options_.random()));
  if (const auto asked = error.retry_after()) {
    if (*asked > options_.max_retry_after) return std::nullopt;
    pause = std::max<Duration>(pause, *asked);
  }
  if (pause >= left) return std::nullopt;
  ++attempts_;
  return pause;
}

bool RetryBudget::take(TimePoint now) {
  const Counts& counts = window_.total(now);
  const double allowed = counts.calls * options_.share + options_.min_per_second * std::chrono::duration<double>(kLength).count();
  if (counts.retries + 1 > allowed) return false;
  window_.add(now, {.calls = 0, .retries = 1});
  return true;
}

}  // namespace yun::resilience
