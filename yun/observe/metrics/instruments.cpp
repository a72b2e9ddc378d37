#include "yun/observe/metrics/instruments.hpp"

#include <algorithm>

namespace yun::observe::metrics {

std::vector<double> default_buckets() { return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}; }

std::vector<double> exponential_buckets(double first, double factor, unsigned count) {
  std::vector<double> bounds;
  for (double bound = first; bounds.size() < count; bound *= factor) bounds.push_back(bound);
  return bounds;
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot now;
  now.bounds = bounds_;
  now.sum = cells_.sum(0);
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    now.counts.push_back(static_cast<std::uint64_t>(cells_.total(1 + i)));
    now.count += now.counts.back();
  }
  std::lock_guard lock(exemplars_mutex_);
  now.exemplars = exemplars_;
  return now;
}

void Histogram::keep_exemplar(double value, const trace::SpanContext& trace) {
  std::unique_lock lock(exemplars_mutex_, std::try_to_lock);
  if (!lock) return;  // one example is as good as another: nobody waits for it
  if (exemplars_.empty()) exemplars_.resize(bounds_.size() + 1);
  const auto bucket = static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
  exemplars_[bucket] = Exemplar{trace, value, now()};
}

}  // namespace yun::observe::metrics
