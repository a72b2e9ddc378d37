// Any text as gateway.yaml: faults with their place, or a configuration that holds together and whose every route can be reached.

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "yun/gateway/config/config.hpp"
#include "yun/gateway/route/table.hpp"

using namespace yun;
using namespace yun::gateway;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// A request that `match` was written for.
http::Request request_for(const Match& match) {
  http::Request request;
  std::string host = match.hosts.empty() ? "any.test" : match.hosts.front();
  if (host.starts_with("*.")) host.replace(0, 1, "sub");
  request.authority = host + ":8080";
  const std::string_view method = match.methods.empty() ? "GET" : std::string_view(match.methods.back());
  request.method = http::parse_method(method);
  require(request.method != http::Method::Other);
  for (const std::string& segment : match.path.segments) request.path += "/" + (segment.empty() ? "value" : segment);
  if (match.path.prefix) request.path += "/below/it";
  if (request.path.empty()) request.path = "/";
  return request;
}

void check(const Config& config) {
  require(!config.routes.empty());
  std::set<std::string> names;
  for (const UpstreamConfig& upstream : config.upstreams) {
    require(upstream.to.find("://") != std::string::npos && upstream.max_connections >= 1);
    require(names.insert(upstream.name).second);
  }
  names.clear();
  for (const RouteConfig& route : config.routes) {
    require(!route.name.empty() && names.insert(route.name).second);
    require(route.upstream < config.upstreams.size() && (!route.auth || *route.auth < config.auth.size()));
    require(route.retries >= 0 && route.retries <= 5);
    require(!route.grpc || config.upstreams[route.upstream].protocol == Protocol::Grpc);
    if (route.limit) require(route.limit->rate.count > 0 && (route.limit->by == LimitConfig::By::Address || route.auth));
    require(Match::parse("path(" + route.match.path.text + ")").ok());
  }
  const Table table(config.routes);
  for (const RouteConfig& route : config.routes) {
    if (!route.match.headers.empty() || !route.match.query.empty()) continue;
    const http::Request request = request_for(route.match);
    const Table::Found found = table.find(request);
    require(found.route != nullptr);  // this one, or one that goes before it
    const Match& match = found.route->match;
    require(match.fits_host(request.authority) && match.fits_method(http::name(request.method)) && match.path.fits(request.path, nullptr));
    require(found.values.size() == match.path.names.size());
    require(found.route == &route || found.route->priority >= route.priority);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const auto config = Config::parse({reinterpret_cast<const char*>(data), size}, "gateway.yaml");
  if (config) {
    check(*config);
  } else {
    require(config.error().message().starts_with("gateway.yaml:"));
  }
  return 0;
}
