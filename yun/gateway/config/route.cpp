#include <array>

#include "yun/base/strings.hpp"
#include "yun/gateway/config/read.hpp"

namespace yun::gateway {

using config::Entry;
using config::Errors;
using config::Reader;
using config::Tree;

namespace {

/// "100/s by consumer", "100/s by consumer shared"
std::optional<LimitConfig> read_limit(const Tree& tree, const std::string& path, const Known& known, Errors& errors) {
  LimitConfig limit;
  std::string_view text = trim(tree.scalar);
  constexpr std::string_view kShared = " shared";
  if (text.ends_with(kShared)) {
    limit.shared = true;
    text = trim(text.substr(0, text.size() - kShared.size()));
    if (!known.has_limit_store()) errors.add(tree, path, "limit: shared needs to be told where, at the top of the file: limit_store: { redis: \"redis://host:6379/0\" }");
  }
  const std::size_t by = text.find(" by ");
  auto rate = parse_rate(trim(text.substr(0, by)));
  if (!rate) {
    errors.add(tree, path, "limit: " + rate.error().message());
    return std::nullopt;
  }
  limit.rate = *rate;
  if (by == std::string_view::npos) return limit;
  const std::string_view who = trim(text.substr(by + 4));
  constexpr std::array<std::string_view, 2> kKnown = {"address", "consumer"};
  if (who != "address" && who != "consumer") {
    errors.add(tree, path, "limit: " + config::unknown("key", who, kKnown));
    return std::nullopt;
  }
  limit.by = who == "consumer" ? LimitConfig::By::Consumer : LimitConfig::By::Address;
  return limit;
}

void read_use(const Tree& use, const std::string& path, const Known& known, RouteConfig& route, Errors& errors) {
  if (!use.is_list()) {
    errors.add(use, path, "use must be a list such as [ jwt: main ]");
    return;
  }
  constexpr std::array<std::string_view, 2> kPlugins = {"jwt", "limit"};
  for (const Tree& item : use.items) {
    if (!item.is_map() || item.entries.size() != 1 || !item.entries[0].value.is_scalar()) {
      errors.add(item, path, "each item of use is one plugin with its value, such as jwt: main");
      continue;
    }
    const Entry& plugin = item.entries[0];
    if (plugin.key == "jwt") {
      route.auth = known.auth(plugin.value.scalar);
      if (!route.auth) errors.add(plugin.value, path, config::unknown("auth", plugin.value.scalar, known.auth_names()));
    } else if (plugin.key == "limit") {
      route.limit = read_limit(plugin.value, path, known, errors);
    } else {
      errors.add(plugin, path, config::unknown("plugin", plugin.key, kPlugins));
    }
  }
  if (route.limit && route.limit->by == LimitConfig::By::Consumer && !route.auth)
    errors.add(use, path, "limit by consumer needs a jwt in the same list");
}

void read_grpc(const Tree& tree, const std::string& path, const Known& known, RouteConfig& route, Errors& errors) {
  GrpcBinding binding;
  Reader reader(tree, path + ": grpc", errors);
  std::string method;
  if (reader.require("method", method)) {
    const std::size_t slash = method.find('/');
    if (slash == 0 || slash == std::string::npos || slash + 1 == method.size() || method.find('/', slash + 1) != std::string::npos) {
      reader.fault("method", "must be package.Service/Method");
    } else {
      binding.service = method.substr(0, slash);
      binding.method = method.substr(slash + 1);
    }
  }
  if (reader.get("status", binding.status) && (binding.status < 200 || binding.status > 299)) reader.fault("status", "must be from 200 to 299");
  reader.get("location", binding.location);
  reader.finish();
  if (route.upstream < known.upstreams() && known.protocol(route.upstream) != Protocol::Grpc)
    errors.add(tree, path, "grpc needs an upstream of protocol grpc");
  if (route.match.path.prefix) errors.add(tree, path, "grpc needs an exact path, with or without parameters");
  route.grpc = std::move(binding);
}

void read_match(Reader& reader, const std::string& path, RouteConfig& route, Errors& errors) {
  const Tree* tree = reader.find("match");
  if (!tree || !tree->is_scalar()) {
    reader.fault("match", "is required, such as path(/api/*)");
    return;
  }
  auto match = Match::parse(tree->scalar);
  if (match) {
    route.match = std::move(*match);
  } else {
    errors.add(*tree, path, "match: " + match.error().message());
  }
}

}  // namespace

RouteConfig read_route(const Tree& tree, std::size_t index, const Known& known, std::set<std::string, std::less<>>& names, Errors& errors) {
  RouteConfig route;
  std::string path = "routes[" + std::to_string(index) + "]";
  if (const Tree* name = tree.find("name"); name && name->is_scalar() && !name->scalar.empty()) path = "route \"" + name->scalar + "\"";
  Reader reader(tree, path, errors);
  reader.require("name", route.name);
  if (!route.name.empty() && !names.insert(route.name).second) reader.fault("name", "is taken by another route");
  read_match(reader, path, route, errors);
  route.upstream = known.upstreams();
  if (const Tree* to = reader.find("to"); to && to->is_scalar()) {
    const auto found = known.upstream(to->scalar);
    if (found) {
      route.upstream = *found;
    } else {
      errors.add(*to, path, config::unknown("upstream", to->scalar, known.upstream_names()));
    }
  } else {
    reader.fault("to", "is required: the name of an upstream");
  }
  reader.get("priority", route.priority);
  reader.get("timeout", route.timeout);
  Size limit;
  if (reader.get("body_limit", limit)) route.body_limit = limit.bytes;
  if (reader.get("retries", route.retries) && (route.retries < 0 || route.retries > 5)) reader.fault("retries", "must be from 0 to 5");
  if (reader.get("try_timeout", route.try_timeout) && (route.try_timeout < std::chrono::milliseconds(1) || route.try_timeout >= route.timeout))
    reader.fault("try_timeout", "must be from 1ms to less than the timeout");
  if (reader.get("rewrite", route.rewrite) && !route.rewrite.starts_with('/')) reader.fault("rewrite", "must begin with '/'");
  if (const Tree* use = reader.find("use")) read_use(*use, path, known, route, errors);
  if (const Tree* grpc = reader.find("grpc")) read_grpc(*grpc, path, known, route, errors);
  reader.finish();
  return route;
}

}  // namespace yun::gateway
