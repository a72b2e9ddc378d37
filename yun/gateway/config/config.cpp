#include "yun/gateway/config/config.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "yun/base/strings.hpp"
#include "yun/config/yaml.hpp"

namespace yun::gateway {

using config::Entry;
using config::Errors;
using config::Reader;
using config::Tree;

namespace {

std::string named(std::string_view kind, std::string_view name) { return std::string(kind) + " \"" + std::string(name) + "\""; }

template <typename T>
std::vector<std::string> names_of(const std::vector<T>& list) {
  std::vector<std::string> names;
  for (const T& item : list) names.push_back(item.name);
  return names;
}

template <typename T>
std::optional<std::size_t> index_of(const std::vector<T>& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(), [name](const T& item) { return item.name == name; });
  if (found == list.end()) return std::nullopt;
  return static_cast<std::size_t>(found - list.begin());
}

void read_health(const Tree* tree, const std::string& path, HealthCheck& health, Errors& errors) {
  if (!tree) return;
  Reader reader(*tree, path, errors);
  if (reader.require("path", health.path) && !health.path.starts_with('/')) reader.fault("path", "must begin with '/'");
  reader.get("every", health.every);
  reader.get("timeout", health.timeout);
  reader.get("unhealthy_after", health.unhealthy_after);
  reader.get("healthy_after", health.healthy_after);
  if (health.every < std::chrono::milliseconds(50)) reader.fault("every", "must be at least 50ms");
  if (health.unhealthy_after < 1) reader.fault("unhealthy_after", "must be at least 1");
  if (health.healthy_after < 1) reader.fault("healthy_after", "must be at least 1");
  reader.finish();
}

void read_upstream(const Entry& entry, Config& config, Errors& errors) {
  UpstreamConfig upstream{.name = entry.key, .to = {}, .health = {}};
  const std::string path = named("upstream", entry.key);
  Reader reader(entry.value, path, errors);
  if (reader.require("to", upstream.to) && upstream.to.find("://") == std::string::npos)
    reader.fault("to", "must be a URL such as static://127.0.0.1:8080");
  reader.get("protocol", upstream.protocol);
  reader.get("lb", upstream.lb);
  reader.get("connect_timeout", upstream.connect_timeout);
  reader.get("max_connections", upstream.max_connections);
  if (upstream.max_connections < 1) reader.fault("max_connections", "must be at least 1");
  read_health(reader.find("health"), path + ": health", upstream.health, errors);
  reader.finish();
  config.upstreams.push_back(std::move(upstream));
}

void read_auth(const Entry& entry, Config& config, Errors& errors) {
  AuthConfig auth{.name = entry.key, .jwks = {}, .issuer = {}, .audience = {}};
  Reader reader(entry.value, named("auth", entry.key), errors);
  reader.require("jwks", auth.jwks);
  reader.require("issuer", auth.issuer);
  reader.require("audience", auth.audience);
  reader.get("leeway", auth.leeway);
  reader.get("refresh_every", auth.refresh_every);
  reader.finish();
  config.auth.push_back(std::move(auth));
}

/// "100/s by consumer"
std::optional<LimitConfig> read_limit(const Tree& tree, const std::string& path, Errors& errors) {
  LimitConfig limit;
  const std::string_view text = trim(tree.scalar);
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

void read_use(const Tree& use, const std::string& path, const Config& config, RouteConfig& route, Errors& errors) {
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
      route.auth = index_of(config.auth, plugin.value.scalar);
      if (!route.auth) errors.add(plugin.value, path, config::unknown("auth", plugin.value.scalar, names_of(config.auth)));
    } else if (plugin.key == "limit") {
      route.limit = read_limit(plugin.value, path, errors);
    } else {
      errors.add(plugin, path, config::unknown("plugin", plugin.key, kPlugins));
    }
  }
  if (route.limit && route.limit->by == LimitConfig::By::Consumer && !route.auth)
    errors.add(use, path, "limit by consumer needs a jwt in the same list");
}

void read_grpc(const Tree& tree, const std::string& path, const Config& config, RouteConfig& route, Errors& errors) {
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
  if (route.upstream < config.upstreams.size() && config.upstreams[route.upstream].protocol != Protocol::Grpc)
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

void read_route(const Tree& tree, std::size_t index, Config& config, Errors& errors) {
  RouteConfig route;
  std::string path = "routes[" + std::to_string(index) + "]";
  if (const Tree* name = tree.find("name"); name && name->is_scalar() && !name->scalar.empty()) path = named("route", name->scalar);
  Reader reader(tree, path, errors);
  reader.require("name", route.name);
  if (!route.name.empty() && index_of(config.routes, route.name)) reader.fault("name", "is taken by another route");
  read_match(reader, path, route, errors);
  route.upstream = config.upstreams.size();
  if (const Tree* to = reader.find("to"); to && to->is_scalar()) {
    const auto found = index_of(config.upstreams, to->scalar);
    if (found) {
      route.upstream = *found;
    } else {
      errors.add(*to, path, config::unknown("upstream", to->scalar, names_of(config.upstreams)));
    }
  } else {
    reader.fault("to", "is required: the name of an upstream");
  }
  reader.get("priority", route.priority);
  reader.get("timeout", route.timeout);
  Size limit;
  if (reader.get("body_limit", limit)) route.body_limit = limit.bytes;
  if (reader.get("retries", route.retries) && (route.retries < 0 || route.retries > 5)) reader.fault("retries", "must be from 0 to 5");
  if (reader.get("rewrite", route.rewrite) && !route.rewrite.starts_with('/')) reader.fault("rewrite", "must begin with '/'");
  if (const Tree* use = reader.find("use")) read_use(*use, path, config, route, errors);
  const Tree* grpc = reader.find("grpc");
  if (grpc) {
    read_grpc(*grpc, path, config, route, errors);
  }
  reader.finish();
  config.routes.push_back(std::move(route));
}

/// Two routes that some request fits equally well are a coin toss: refused.
void refuse_ties(const Tree& routes, const Config& config, Errors& errors) {
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const RouteConfig& a = config.routes[i];
      const RouteConfig& b = config.routes[j];
      if (a.priority == b.priority && a.match.rank() == b.match.rank() && a.match.overlaps(b.match))
        errors.add(routes.items[i], named("route", a.name), "matches the same requests as " + named("route", b.name) + "; give one a priority");
    }
  }
}

}  // namespace

Result<Config> Config::parse(std::string_view text, std::string_view filename) {
  YUN_GET(tree, config::parse_yaml(text, filename));
  Config config;
  Errors errors{std::string(filename)};
  Reader reader(tree, "", errors);
  if (const Tree* upstreams = reader.find("upstreams"); upstreams && upstreams->is_map()) {
    for (const Entry& entry : upstreams->entries) read_upstream(entry, config, errors);
  } else {
    reader.fault("upstreams", "is required: a map of names to upstreams");
  }
  if (const Tree* auth = reader.find("auth")) {
    for (const Entry& entry : auth->entries) read_auth(entry, config, errors);
  }
  Size limit;
  if (reader.get("body_limit", limit)) config.body_limit = limit.bytes;
  if (const Tree* proxies = reader.find("trusted_proxies")) {
    for (const Tree& item : proxies->items) {
      auto cidr = Cidr::parse(item.scalar);
      if (cidr) {
        config.trusted_proxies.push_back(*cidr);
      } else {
        errors.add(item, "trusted_proxies", cidr.error().message());
      }
    }
  }
  if (const Tree* routes = reader.find("routes"); routes && routes->is_list() && !routes->items.empty()) {
    for (std::size_t i = 0; i < routes->items.size(); ++i) read_route(routes->items[i], i, config, errors);
    refuse_ties(*routes, config, errors);
  } else {
    reader.fault("routes", "is required: a list of routes");
  }
  reader.finish();
  if (!errors.empty()) return errors.to_error();
  return config;
}

Result<Config> Config::load(const std::string& path) {
  YUN_GET(text, config::read_file(path, 8u << 20));
  const std::size_t slash = path.rfind('/');
  return parse(text, slash == std::string::npos ? path : path.substr(slash + 1));
}

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  const auto bad = [&] { return invalid_argument("\"" + std::string(text) + "\" is not an address range such as 10.0.0.0/8"); };
  Cidr cidr;
  int all = 128;
  if (::inet_pton(AF_INET, host.c_str(), cidr.bytes + 12) == 1) {
    cidr.bytes[10] = cidr.bytes[11] = 0xff;
    all = 32;
  } else if (::inet_pton(AF_INET6, host.c_str(), cidr.bytes) != 1) {
    return bad();
  }
  std::uint64_t bits = static_cast<std::uint64_t>(all);
  if (slash != std::string_view::npos) {
    const auto given = parse_u64(text.substr(slash + 1));
    if (!given || *given > bits) return bad();
    bits = *given;
  }
  cidr.bits = static_cast<int>(bits) + 128 - all;
  return cidr;
}

bool Cidr::contains(const runtime::Address& address) const {
  unsigned char other[16] = {};
  if (address.family() == AF_INET) {
    other[10] = other[11] = 0xff;
    std::memcpy(other + 12, &static_cast<const sockaddr_in*>(address.data())->sin_addr, 4);
  } else if (address.family() == AF_INET6) {
    std::memcpy(other, &static_cast<const sockaddr_in6*>(address.data())->sin6_addr, 16);
  } else {
    return false;
  }
  const int whole = bits / 8;
  if (std::memcmp(bytes, other, static_cast<std::size_t>(whole)) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return (bytes[whole] & mask) == (other[whole] & mask);
}

}  // namespace yun::gateway
