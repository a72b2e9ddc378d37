// /debug/limits: limiters, load shedding and bounded queues, by what they refused; and the limits that are set.

#include "yun/app/debug/samples.hpp"
#include "yun/app/debug/sections/sections.hpp"

namespace yun::app::debug {

json::Value describe_limits(const Program& program) {
  json::Value page = tables(read_samples(program.metrics), {"http_refused", "gateway_refused", "http_client_failures", "log_dropped", "log_sink_", "telemetry_"});
  json::Value& set = page["limits in force"];
  set = json::Array{};
  for (const config::Setting& setting : program.settings) {
    const std::string_view name = setting.name;
    if (!name.starts_with("overload.") && name.find("max_") == std::string_view::npos && name.find("timeout") == std::string_view::npos) continue;
    set.push_back(json::Value::object({{"setting", setting.name}, {"value", setting.value}, {"source", setting.source}}));
  }
  return page;
}

}  // namespace yun::app::debug
