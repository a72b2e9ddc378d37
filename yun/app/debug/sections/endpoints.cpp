// /debug/endpoints: the endpoint sets of the channels that the App opened. An ejection is a breaker that is open for one endpoint.

#include "yun/app/debug/sections/sections.hpp"
#include "yun/balance/describe.hpp"

namespace yun::app::debug {

json::Value describe_endpoints(const Program& program) {
  json::Value page = json::Value::object();
  for (const Part& part : program.parts) {
    if (!part.endpoints) continue;
    json::Value& list = page[part.kind + " " + part.url];
    list = json::Array{};
    for (const balance::Balancer::State& state : part.endpoints()) list.push_back(balance::describe(state));
  }
  return page;
}

}  // namespace yun::app::debug
