#pragma once
// Samples: all that a program's registry counts, as values. The debug pages go by it: what a room counts is shown without a line of its own.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yun/json/value.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun::app::debug {

/// A histogram's series as it stands, or what came to it between two looks.
struct Buckets {
  std::vector<std::pair<double, double>> upto;  ///< upper bound (infinite for the last), observations up to it
  double sum = 0;
  double count = 0;
  /// By linear interpolation within the bucket, as Prometheus does; the last finite bound if it lies beyond, 0 without observations.
  double quantile(double q) const;
  /// What came since `before`, which had the same buckets; all of it if it had others.
  Buckets since(const Buckets& before) const;
};

struct Series {
  std::vector<std::pair<std::string, std::string>> labels;  ///< without le
  double value = 0;  ///< of a counter or gauge
  Buckets buckets;   ///< of a histogram
  std::string_view label(std::string_view name) const;
};

struct MetricFamily {
  std::string name;
  std::string help;
  observe::metrics::Kind kind{};
  std::vector<Series> series;
};

std::vector<MetricFamily> read_samples(const observe::metrics::Registry& registry);
/// Null if there is none of that name.
const MetricFamily* find_family(const std::vector<MetricFamily>& families, std::string_view name);

/// One table a family whose name begins with one of `prefixes`: {"sql_queries_total": [{"operation": "select", "code": "OK", "value": 7}, ..], ..}.
/// A histogram has count, mean, p50 and p99.
json::Value tables(const std::vector<MetricFamily>& families, const std::vector<std::string_view>& prefixes);

}  // namespace yun::app::debug
