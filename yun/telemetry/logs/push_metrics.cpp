#include "yun/telemetry/logs/push_metrics.hpp"

namespace yun::telemetry::logs {

using observe::metrics::Kind;
using observe::metrics::Registry;
using observe::metrics::Sample;

std::vector<Registry::Registration> add_metrics(Registry& registry, const std::vector<std::shared_ptr<Push>>& sinks) {
  std::vector<Registry::Registration> registrations;
  if (sinks.empty()) return registrations;
  registrations.push_back(registry.callback("log_sink_lines_total", "Lines for a log sink: sent, or dropped.", Kind::Counter, {"sink", "result"}, [sinks](const Sample& sample) {
    for (const auto& sink : sinks) {
      const Push::Counts counts = sink->counts();
      sample({sink->name(), "sent"}, static_cast<double>(counts.sent));
      sample({sink->name(), "dropped"}, static_cast<double>(counts.dropped));
    }
  }));
  registrations.push_back(registry.callback("log_sink_failures_total", "Sends to a log sink that were not taken.", Kind::Counter, {"sink"}, [sinks](const Sample& sample) {
    for (const auto& sink : sinks) sample({sink->name()}, static_cast<double>(sink->counts().failures));
  }));
  registrations.push_back(registry.callback("log_sink_queued_bytes", "Lines that wait for a log sink.", Kind::Gauge, {"sink"}, [sinks](const Sample& sample) {
    for (const auto& sink : sinks) sample({sink->name()}, static_cast<double>(sink->counts().queued));
  }));
  return registrations;
}

}  // namespace yun::telemetry::logs
