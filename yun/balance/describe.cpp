#include "yun/balance/describe.hpp"

namespace yun::balance {

json::Value describe(const Balancer::State& state) {
  json::Value row = json::Value::object({
      {"endpoint", state.endpoint.address.to_string()},
      {"state", state.ejected ? "ejected" : "ok"},
      {"in_flight", state.in_flight},
      {"latency_seconds", std::chrono::duration<double>(state.latency).count()},
      {"successes", state.successes},
      {"failures", state.failures},
      {"weight", state.endpoint.weight},
      {"authority", state.endpoint.authority},
  });
  for (const auto& [name, value] : state.endpoint.labels) row["label " + name] = value;
  return row;
}

}  // namespace yun::balance
