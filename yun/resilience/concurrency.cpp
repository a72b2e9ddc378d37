#include "yun/resilience/concurrency.hpp"

#include <algorithm>
#include <cmath>

namespace yun::resilience {

namespace {
constexpr double kLongRunWeight = 0.02;  // some fifty windows of memory
constexpr double kSmoothing = 0.2;       // how much of a new limit is taken over at once
constexpr double kDropFactor = 0.9;
}  // namespace

ConcurrencyLimit::ConcurrencyLimit(ConcurrencyOptions options)
    : options_(options), limit_(std::clamp(options.initial, options.min, options.max)) {}

Result<ConcurrencyLimit::Permit> ConcurrencyLimit::acquire(TimePoint now) {
  if (in_flight_ >= limit()) {
    ++shed_;
    return unavailable("too many requests at once").with_reason("overloaded").with_retry_after(options_.retry_after);
  }
  ++in_flight_;
  window_most_ = std::max(window_most_, in_flight_);
  return Permit(this, now);
}

void ConcurrencyLimit::release(Permit permit, TimePoint now, Outcome outcome) {
  if (outcome == Outcome::Ignored) return;
  if (window_began_ == TimePoint::min()) window_began_ = permit.began_;
  window_dropped_ = window_dropped_ || outcome == Outcome::Dropped;
  window_sum_ += static_cast<double>(Duration(now - permit.began_).count());
  ++window_samples_;
  if (now - window_began_ >= options_.window && window_samples_ >= options_.min_samples) update(now);
}

void ConcurrencyLimit::update(TimePoint now) {
  const double latest = window_sum_ / window_samples_;
  long_run_ = long_run_ == 0 ? latest : long_run_ + kLongRunWeight * (latest - long_run_);
  // After an overload the long-run latency is too high to compare with; let it come down faster than it rose.
  if (long_run_ > 2 * latest) long_run_ *= 0.9;

  const bool was_needed = window_most_ * 2 >= limit();
  if (window_dropped_) {
    limit_ *= kDropFactor;
  } else if (was_needed) {
    const bool slow = latest > static_cast<double>(options_.negligible.count());
    const double gradient = slow ? std::clamp(options_.tolerance * long_run_ / latest, 0.5, 1.0) : 1.0;
    const double wanted = limit_ * gradient + std::sqrt(limit_);
    limit_ += kSmoothing * (wanted - limit_);
  }
  limit_ = std::clamp(limit_, static_cast<double>(options_.min), static_cast<double>(options_.max));

  window_began_ = now;
  window_sum_ = 0;
  window_samples_ = 0;
  window_most_ = in_flight_;
  window_dropped_ = false;
}

}  // namespace yun::resilience
