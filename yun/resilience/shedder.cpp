#include "yun/resilience/shedder.hpp"

#include <algorithm>

namespace yun::resilience {

namespace {
using namespace std::chrono_literals;

constexpr Duration kWindow = 100ms;
constexpr int kWindowCosts = 20;  // of slow requests a window has that many
constexpr Duration kLongestWindow = 2s;
constexpr std::uint32_t kMinSamples = 10;
constexpr double kCostWeight = 0.3;
constexpr int kToleranceCosts = 40;
constexpr int kIntervalCosts = 20;
constexpr Duration kMostTolerance = 1s;
constexpr double kFits = 0.95;         // demand below that share of the time: no overload any more
constexpr double kIdle = 0.02;         // more idle time than that while shedding: too strict
constexpr double kLeastPatience = 1.5;  // below two a turn takes one request, whose wait was at most the turn before it
constexpr double kMostPatience = 50;
constexpr double kFirstPatience = 2;
constexpr double kMorePatience = 1.3;
constexpr double kLessPatience = 0.9;
constexpr Duration kCreditFor = 400ms;  // of working time

Duration scaled(Duration duration, double factor) { return Duration(static_cast<std::int64_t>(static_cast<double>(duration.count()) * factor)); }
}  // namespace

LoadShedder::LoadShedder(LoadShedderOptions options) : options_(options), tolerance_(options.tolerance), patience_(kFirstPatience) {}

void LoadShedder::begin(const Turn& turn) {
  turn_began_ = turn.began;
  turn_has_one_ = false;
  if (window_began_ == TimePoint::min()) {
    window_began_ = turn.began;
    window_busy_ = turn.busy;
    return;
  }
  const Duration elapsed = turn.began - window_began_;
  if (elapsed < std::max(kWindow, kWindowCosts * cost_)) return;
  if (seen_ < kMinSamples && elapsed < kLongestWindow) return;
  close_window(elapsed, turn.busy - window_busy_);
  window_began_ = turn.began;
  window_busy_ = turn.busy;
  seen_ = said_no_ = 0;
}

void LoadShedder::close_window(Duration elapsed, Duration busy) {
  const std::uint32_t served = seen_ - said_no_;
  if (seen_ >= kMinSamples && served > 0) {
    const Duration cost = std::max(Duration::zero(), busy - said_no_ * options_.refusal_cost) / served;
    cost_ = cost_ == Duration::zero() ? cost : cost_ + scaled(cost - cost_, kCostWeight);
    tolerance_ = std::max(options_.tolerance, std::min(kMostTolerance, kToleranceCosts * cost_));
  }
  if (!overloaded_) return;
  const Duration demand = busy + said_no_ * cost_;
  if (demand < scaled(elapsed, kFits)) {
    overloaded_ = false;
    late_since_ = TimePoint::max();
    return;
  }
  const bool idle = busy < scaled(elapsed, 1 - kIdle);
  patience_ = std::clamp(patience_ * (idle ? kMorePatience : kLessPatience), kLeastPatience, kMostPatience);
}

bool LoadShedder::decide(TimePoint now, Duration waited) {
  if (!overloaded_) {
    late_since_ = std::min(late_since_, now);
    if (now - late_since_ < std::max(options_.interval, kIntervalCosts * cost_) || cost_ < options_.worth) return true;
    overloaded_ = true;
    patience_ = kFirstPatience;
    credit_ = scaled(kCreditFor, options_.refusal_share);
  }
  if (!turn_has_one_ || waited <= patience() || credit_ < options_.refusal_cost) {
    turn_has_one_ = true;
    credit_ = std::min(scaled(kCreditFor, options_.refusal_share), credit_ + scaled(cost_, options_.refusal_share));
    return true;
  }
  credit_ -= options_.refusal_cost;
  ++said_no_;
  ++refused_;
  return false;
}

}  // namespace yun::resilience
