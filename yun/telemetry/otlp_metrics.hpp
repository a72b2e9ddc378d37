#pragma once
// OTLP's metrics: a Registry as it stands now, encoded.

#include <string>
#include <string_view>

#include "yun/observe/metrics/registry.hpp"

namespace yun::telemetry::otlp {

/// Names are those of /metrics, but a counter's is without "_total" (an exporter for Prometheus adds it again); units follow from them. Values are cumulative since `start`.
class MetricsEncoder final : public observe::metrics::Reader {
 public:
  MetricsEncoder(Time start, Time now) : start_(nanoseconds(start)), now_(nanoseconds(now)) {}

  void head(std::string_view name, std::string_view help, observe::metrics::Kind kind) override;
  void sample(std::string_view name, observe::metrics::Kind kind, std::span<const std::string> labels, std::span<const std::string> values,
              double value) override;
  void histogram(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                 const observe::metrics::Histogram::Snapshot& snapshot) override;
  /// All metrics, as fields of a ScopeMetrics. Once, at the end.
  std::string take();
  std::size_t points() const { return points_; }

 private:
  static std::uint64_t nanoseconds(Time time) { return static_cast<std::uint64_t>(std::chrono::nanoseconds(time.time_since_epoch()).count()); }
  void end_metric();

  const std::uint64_t start_;
  const std::uint64_t now_;
  std::string out_;
  std::string name_;
  std::string help_;
  observe::metrics::Kind kind_{};
  std::string data_;  ///< the data points of the metric in progress, as fields of its Gauge, Sum or Histogram
  std::size_t points_ = 0;
};

}  // namespace yun::telemetry::otlp
