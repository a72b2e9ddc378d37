#include "yun/resilience/breaker.hpp"

#include <algorithm>

namespace yun::resilience {

bool counts_against_server(const Error& error) {
  switch (error.code()) {
    case Code::Unavailable:
    case Code::DeadlineExceeded:
    case Code::Internal:
    case Code::Unknown:
    case Code::DataLoss: return true;
    default: return false;
  }
}

Result<void> Breaker::allow(TimePoint now) {
  const double chance = refusal(now);
  const bool probe = last_allowed_ == TimePoint::min() || now - last_allowed_ >= options_.probe_interval;
  if (chance > 0 && !probe && options_.random() < chance) {
    return unavailable("server fails too often, call was not made")
        .with_reason("breaker_open")
        .with_retry_after(std::chrono::ceil<std::chrono::milliseconds>(options_.probe_interval));
  }
  last_allowed_ = now;
  return {};
}

void Breaker::record(TimePoint now, const Error* error) {
  if (error && error->code() == Code::Cancelled) return;
  const bool accepted = !error || !options_.failure(*error);
  window_.add(now, {.calls = 1, .accepted = accepted ? 1 : 0});
}

double Breaker::refusal(TimePoint now) {
  const Counts& counts = window_.total(now);
  const auto calls = static_cast<double>(counts.calls);
  return std::max(0.0, (calls - options_.protection - options_.k * static_cast<double>(counts.accepted)) / (calls + 1));
}

}  // namespace yun::resilience
