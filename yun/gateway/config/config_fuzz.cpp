// Any text as gateway.yaml: faults with their place, or a configuration that holds together and whose every route can be reached;
// and the same whether it is read whole, in parts, or after another version of it.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "yun/gateway/config/config.hpp"
#include "yun/gateway/config/reader.hpp"
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
    std::vector<std::string_view> values;
    require(match.fits_host(request.authority) && match.fits_method(http::name(request.method)) && match.path.fits(request.path, &values));
    require(values.size() == match.path.names.size());
    require(found.route == &route || found.route->priority >= route.priority);
  }
}

/// The way must not matter: in parts or whole, after another version or alone.
void require_same(const Result<Config>& parts, const std::string& text) {
  const auto whole = Config::parse_whole(text, "gateway.yaml");
  require(parts.ok() == whole.ok());
  require(parts.ok() ? *parts == *whole : parts.error().message() == whole.error().message());
}

/// The text with its lines moved about, as `how` says.
std::string edited(const std::string& text, unsigned how) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  const std::size_t from = how / 8 % lines.size();
  const std::size_t to = how / 8 / lines.size() % lines.size();
  const auto at = [&](std::size_t i) { return lines.begin() + static_cast<std::ptrdiff_t>(i); };
  switch (how % 8) {
    case 0: lines.erase(at(from)); break;
    case 1: lines.insert(at(from), lines[to]); break;
    case 2: std::swap(lines[from], lines[to]); break;
    case 3: lines[from].insert(0, "# "); break;
    case 4: lines[from].insert(lines[from].size() / 2, "x"); break;
    case 5: lines.insert(at(from), "  - { name: new, match: path(/new), to: a }\n"); break;
    case 6: std::rotate(lines.begin(), at(from), lines.end()); break;
    default: lines.resize(from + 1); break;
  }
  std::string all;
  for (const std::string& line : lines) all += line;
  return all;
}

void check_reader(const std::string& text) {
  ConfigReader reader("gateway.yaml");
  require_same(reader.read(text), text);
  unsigned how = static_cast<unsigned>(std::hash<std::string>{}(text));
  std::string now = text;
  for (int i = 0; i < 4 && !now.empty(); ++i, how = how * 1664525 + 1013904223) {
    now = edited(now, how >> 8);
    const auto read = reader.read(now);
    require_same(read, now);
    if (!read) now = reader.text();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_reader(text);
  const auto config = Config::parse(text, "gateway.yaml");
  if (config) {
    check(*config);
  } else {
    require(config.error().message().starts_with("gateway.yaml:"));
  }
  return 0;
}
