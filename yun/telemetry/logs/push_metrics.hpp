#pragma once
// What the log sinks count, for /metrics.

#include <memory>
#include <vector>

#include "yun/observe/metrics/registry.hpp"
#include "yun/telemetry/logs/push.hpp"

namespace yun::telemetry::logs {

/// log_sink_lines_total{sink,result} (sent, dropped), log_sink_failures_total{sink}, log_sink_queued_bytes{sink}. Keep what is returned no longer than `registry`.
[[nodiscard]] std::vector<observe::metrics::Registry::Registration> add_metrics(observe::metrics::Registry& registry, const std::vector<std::shared_ptr<Push>>& sinks);

}  // namespace yun::telemetry::logs
