#pragma once
// What every App shows at /debug/: one file a section, and one line in add_sections().

#include <functional>
#include <string>
#include <vector>

#include "yun/app/debug/pages.hpp"
#include "yun/balance/balancer.hpp"
#include "yun/config/load.hpp"

namespace yun::observe::metrics {
class Registry;
}
namespace yun::observe::trace {
class Tracer;
}
namespace yun::runtime {
class Runtime;
}
namespace yun::app {
class Front;
class Readiness;
}  // namespace yun::app

namespace yun::app::debug {

/// What the program opened through its App: a database, a cache, a channel, a registration.
struct Part {
  std::string kind;  ///< "sql", "cache", "http channel", "rpc channel", "registration"
  std::string url;   ///< secrets masked
  /// What this loop knows of its endpoints; empty for a part without. Gives nothing once the part is gone.
  std::function<std::vector<balance::Balancer::State>()> endpoints = {};
};

/// What the sections look at. All of it outlives the pages; `parts` is complete before the first request.
struct Program {
  const std::string& name;
  const std::vector<config::Setting>& settings;
  const std::vector<Part>& parts;
  runtime::Runtime& runtime;
  const observe::metrics::Registry& metrics;
  const observe::trace::Tracer& tracer;
  const Front& front;
  const Readiness& readiness;
  const http::Router& router;
};

void add_sections(Pages& pages, const Program& program);

// Each in its own file.
json::Value describe_parts(const Program& program);
json::Value describe_settings(const Program& program);
json::Value describe_requests(const Program& program);
json::Value describe_endpoints(const Program& program);
json::Value describe_pools(const Program& program);
json::Value describe_limits(const Program& program);
/// Keeps what it saw, so that the next look has rates.
std::function<json::Value()> routes_with_rates(const Program& program);

}  // namespace yun::app::debug
