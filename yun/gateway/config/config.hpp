#pragma once
// Config: what a gateway file says, checked. One type for every source of configuration.
//
//     upstreams:
//       users: { to: "static://127.0.0.1:8081", protocol: grpc, health: { path: /health, every: 1s } }
//     auth:
//       main: { jwks: "http://127.0.0.1:8081/.well-known/jwks.json", issuer: shop, audience: shop }
//     routes:
//       - name: get-user
//         match: path(/api/users/{id}) && method(GET)
//         to: users
//         grpc: { method: shop.v1.UserService/GetUser }
//         use: [ jwt: main, limit: 100/s by consumer ]

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/gateway/route/match.hpp"

namespace yun::gateway {

enum class Protocol { Http, Http2, Grpc };
enum class LoadBalancing { P2c, RoundRobin };

/// Active health checks: an endpoint is taken out after `unhealthy_after` failures in a row and back after `healthy_after` successes.
struct HealthCheck {
  std::string path;  ///< "" = none
  Duration every = std::chrono::seconds(2);
  Duration timeout = std::chrono::seconds(1);
  int unhealthy_after = 2;
  int healthy_after = 1;
};

struct UpstreamConfig {
  std::string name;
  std::string to;  ///< a resolver's URL: static://, dns://
  Protocol protocol = Protocol::Http;
  LoadBalancing lb = LoadBalancing::P2c;
  Duration connect_timeout = std::chrono::seconds(1);
  int max_connections = 1024;  ///< an endpoint and loop
  HealthCheck health;
};

/// Tokens of one issuer.
struct AuthConfig {
  std::string name;
  std::string jwks;
  std::string issuer;
  std::string audience;
  Duration leeway = std::chrono::seconds(5);
  Duration refresh_every = std::chrono::minutes(5);
};

struct LimitConfig {
  enum class By { Address, Consumer };
  Rate rate;
  By by = By::Address;
};

/// JSON to a unary gRPC method and back: path parameters and query become fields of the request, the body the rest.
struct GrpcBinding {
  std::string service;
  std::string method;
  int status = 200;
  std::string location;  ///< "/api/users/{id}": fields of the answer fill it; "" = no Location
};

struct RouteConfig {
  std::string name;
  Match match;
  int priority = 0;
  std::size_t upstream = 0;  ///< index into Config::upstreams
  Duration timeout = std::chrono::seconds(15);
  std::size_t body_limit = 0;  ///< bytes; 0 = the gateway's
  /// Tries beyond the first, each at another endpoint if there is one, within the upstream's budget (a fifth of its requests) and only where that is
  /// safe: no connection was made; or the connection broke before the answer's head and the request is idempotent and was not streamed.
  int retries = 2;
  std::string rewrite;         ///< replaces the matched prefix; "" = the path goes on as it was matched
  std::optional<GrpcBinding> grpc;
  std::optional<std::size_t> auth;  ///< index into Config::auth
  std::optional<LimitConfig> limit;
};

/// An address range such as 10.0.0.0/8 or ::1.
struct Cidr {
  unsigned char bytes[16] = {};
  int bits = 0;  ///< of 128; IPv4 is mapped into IPv6
  static Result<Cidr> parse(std::string_view text);
  bool contains(const runtime::Address& address) const;
};

struct Config {
  std::vector<UpstreamConfig> upstreams;
  std::vector<AuthConfig> auth;
  std::vector<RouteConfig> routes;
  std::vector<Cidr> trusted_proxies;
  std::size_t body_limit = 10u << 20;

  /// Every fault at once, one line each: `gateway.yaml:14:9: route "orders": unknown upstream "ordrs"; did you mean "orders"?`
  static Result<Config> parse(std::string_view text, std::string_view filename);
  static Result<Config> load(const std::string& path);
};

}  // namespace yun::gateway
