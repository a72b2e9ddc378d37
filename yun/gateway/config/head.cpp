#include "yun/cache/redis/options.hpp"
#include "yun/gateway/config/read.hpp"

namespace yun::gateway {

using config::Entry;
using config::Errors;
using config::Reader;
using config::Tree;

namespace {

std::string named(std::string_view kind, std::string_view name) { return std::string(kind) + " \"" + std::string(name) + "\""; }

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
  AuthConfig auth{.name = entry.key, .jwks = {}, .upstream = {}, .issuer = {}, .audience = {}};
  Reader reader(entry.value, named("auth", entry.key), errors);
  const bool has_keys = reader.require("jwks", auth.jwks);
  if (reader.get("upstream", auth.upstream)) {
    const auto known = std::ranges::find(config.upstreams, auth.upstream, &UpstreamConfig::name);
    std::vector<std::string> names;
    for (const UpstreamConfig& each : config.upstreams) names.push_back(each.name);
    if (known == config.upstreams.end()) {
      reader.fault("upstream", config::unknown("upstream", auth.upstream, names));
    } else if (known->protocol != Protocol::Http) {
      reader.fault("upstream", "must be one whose protocol is http");
    }
    if (has_keys && !auth.jwks.starts_with('/')) reader.fault("jwks", "must be a path such as /.well-known/jwks.json, since upstream says where");
  } else if (has_keys && auth.jwks.find("://") == std::string::npos) {
    reader.fault("jwks", "must be a URL, or a path beside upstream: NAME");
  }
  reader.require("issuer", auth.issuer);
  reader.require("audience", auth.audience);
  reader.get("leeway", auth.leeway);
  reader.get("refresh_every", auth.refresh_every);
  reader.finish();
  config.auth.push_back(std::move(auth));
}

void read_limit_store(const Tree& tree, Config& config, Errors& errors) {
  LimitStoreConfig store;
  Reader reader(tree, "limit_store", errors);
  if (reader.require("redis", store.redis)) {
    if (auto url = cache::redis::parse_url(store.redis); !url) reader.fault("redis", url.error().message());
  }
  reader.get("gateways", store.gateways);
  if (store.gateways < 1) reader.fault("gateways", "must be at least 1");
  reader.finish();
  config.limit_store = std::move(store);
}

}  // namespace

Config read_head(Reader& file, Errors& errors) {
  Config config;
  if (const Tree* upstreams = file.find("upstreams"); upstreams && upstreams->is_map()) {
    for (const Entry& entry : upstreams->entries) read_upstream(entry, config, errors);
  } else {
    file.fault("upstreams", "is required: a map of names to upstreams");
  }
  if (const Tree* auth = file.find("auth")) {
    for (const Entry& entry : auth->entries) read_auth(entry, config, errors);
  }
  if (const Tree* store = file.find("limit_store")) read_limit_store(*store, config, errors);
  Size limit;
  if (file.get("body_limit", limit)) config.body_limit = limit.bytes;
  if (const Tree* proxies = file.find("trusted_proxies")) {
    for (const Tree& item : proxies->items) {
      auto cidr = Cidr::parse(item.scalar);
      if (cidr) {
        config.trusted_proxies.push_back(*cidr);
      } else {
        errors.add(item, "trusted_proxies", cidr.error().message());
      }
    }
  }
  return config;
}

Known::Known(const Config& config) : has_limit_store_(config.limit_store.has_value()) {
  for (const UpstreamConfig& upstream : config.upstreams) {
    upstream_by_name_.emplace(upstream.name, upstreams_.size());
    upstreams_.emplace_back(upstream.name, upstream.protocol);
  }
  for (const AuthConfig& auth : config.auth) {
    auth_by_name_.emplace(auth.name, auth_.size());
    auth_.push_back(auth.name);
  }
}

std::optional<std::size_t> Known::find(const ByName& map, std::string_view name) {
  const auto found = map.find(name);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> Known::upstream_names() const {
  std::vector<std::string> names;
  for (const auto& [name, protocol] : upstreams_) names.push_back(name);
  return names;
}

}  // namespace yun::gateway
