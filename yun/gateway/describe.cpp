// Gateway::describe: a page for people; nothing of it is on a request's way.

#include "yun/balance/describe.hpp"
#include "yun/config/mask.hpp"
#include "yun/gateway/gateway.hpp"
#include "yun/gateway/snapshot.hpp"

namespace yun::gateway {
namespace {

constexpr std::size_t kMostRoutes = 1000;  ///< shown; a page of more helps nobody

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

json::Value routes_of(const Snapshot& snapshot) {
  json::Value rows = json::Array{};
  for (const RouteConfig& route : snapshot.config.routes) {
    if (rows.size() == kMostRoutes) break;
    json::Value row = json::Value::object({
        {"route", route.name},
        {"path", route.match.path.text},
        {"methods", joined(route.match.methods)},
        {"hosts", joined(route.match.hosts)},
        {"to", snapshot.config.upstreams[route.upstream].name},
        {"grpc", route.grpc ? route.grpc->service + "/" + route.grpc->method : std::string()},
        {"auth", route.auth ? snapshot.config.auth[*route.auth].name : std::string()},
        {"timeout_seconds", std::chrono::duration<double>(route.timeout).count()},
        {"retries", route.retries},
    });
    if (route.limit) row["limit"] = format_rate(route.limit->rate) + (route.limit->by == LimitConfig::By::Consumer ? " by consumer" : " by address");
    rows.push_back(std::move(row));
  }
  return rows;
}

json::Value upstreams_of(const Snapshot& snapshot) {
  json::Value rows = json::Array{};
  for (const auto& upstream : snapshot.upstreams) {
    const UpstreamConfig& config = upstream->config();
    const auto add = [&](json::Value endpoint) {
      json::Value row = json::Value::object({{"upstream", config.name}});
      for (json::Member& member : *endpoint.as_object()) row[member.name] = std::move(member.value);
      row["found by"] = config::masked_url(config.to);
      rows.push_back(std::move(row));
    };
    const auto states = upstream->channel().states();
    for (const auto& state : states) add(balance::describe(state));
    // Those that health checks speak against are not among the channel's, unless all are.
    for (const auto& [address, healthy] : upstream->verdicts())
      if (!healthy) add(json::Value::object({{"endpoint", address}, {"state", "unhealthy"}}));
  }
  return rows;
}

}  // namespace

json::Value Gateway::describe() const {
  const auto snapshot = in_force();
  if (!snapshot) return json::Value::object({{"routes", 0}});
  json::Value page = json::Value::object({{"routes in force", snapshot->config.routes.size()},
                                          {"versions applied", version_.load(std::memory_order_relaxed)},
                                          {"missing", missing()},
                                          {"body_limit_bytes", snapshot->config.body_limit}});
  page["upstreams"] = upstreams_of(*snapshot);
  page["routes"] = routes_of(*snapshot);
  return page;
}

}  // namespace yun::gateway
