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

#include <algorithm>
#include <memory>
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
  bool operator==(const HealthCheck&) const = default;
};

struct UpstreamConfig {
  std::string name;
  std::string to;  ///< a resolver's URL: static://, dns://, consul://
  Protocol protocol = Protocol::Http;
  LoadBalancing lb = LoadBalancing::P2c;
  Duration connect_timeout = std::chrono::seconds(1);
  int max_connections = 1024;  ///< an endpoint and loop
  HealthCheck health;
  bool operator==(const UpstreamConfig&) const = default;
};

/// Tokens of one issuer.
struct AuthConfig {
  std::string name;
  std::string jwks;      ///< a URL, or with `upstream` a path there
  std::string upstream;  ///< "" = jwks is a URL
  std::string issuer;
  std::string audience;
  Duration leeway = std::chrono::seconds(5);
  Duration refresh_every = std::chrono::minutes(5);
  bool operator==(const AuthConfig&) const = default;
};

struct LimitConfig {
  enum class By { Address, Consumer };
  Rate rate;
  By by = By::Address;
  bool shared = false;  ///< with the other gateways, through Config::limit_store; else each gateway admits as much
  bool operator==(const LimitConfig&) const = default;
};

/// Where gateways keep the limits that they share. No request waits for it: see cache::redis::SharedLimiter.
struct LimitStoreConfig {
  std::string redis;      ///< redis:// or rediss://, as cache::redis::parse_url takes it
  unsigned gateways = 1;  ///< that share the limits: while the store is away each admits its part of a limit
  bool operator==(const LimitStoreConfig&) const = default;
};

/// JSON to a unary gRPC method and back: path parameters and query become fields of the request, the body the rest.
struct GrpcBinding {
  std::string service;
  std::string method;
  int status = 200;
  std::string location;  ///< "/api/users/{id}": fields of the answer fill it; "" = no Location
  bool operator==(const GrpcBinding&) const = default;
};

struct RouteConfig {
  std::string name;
  Match match;
  int priority = 0;
  std::size_t upstream = 0;  ///< index into Config::upstreams
  Duration timeout = std::chrono::seconds(15);
  std::size_t body_limit = 0;  ///< bytes; 0 = the gateway's
  /// Tries beyond the first, each at another endpoint if there is one, and only where that is safe: no connection was made; or, within the upstream's
  /// budget (a fifth of its requests), the connection broke before the answer's head and the request is idempotent and was not streamed.
  int retries = 2;
  /// An idempotent request without the head of an answer after that is sent to another endpoint, within the same bounds; zero: it waits to the timeout.
  Duration try_timeout{};
  std::string rewrite;         ///< replaces the matched prefix; "" = the path goes on as it was matched
  std::optional<GrpcBinding> grpc;
  std::optional<std::size_t> auth;  ///< index into Config::auth
  std::optional<LimitConfig> limit;
  bool operator==(const RouteConfig&) const = default;
};

/// An address range such as 10.0.0.0/8 or ::1.
struct Cidr {
  unsigned char bytes[16] = {};
  int bits = 0;  ///< of 128; IPv4 is mapped into IPv6
  static Result<Cidr> parse(std::string_view text);
  bool contains(const runtime::Address& address) const;
  bool operator==(const Cidr&) const = default;
};

/// Routes in the order of the file. Each is shared, unchanging, with every configuration whose file says the same of it.
class RouteList {
 public:
  using Shared = std::shared_ptr<const RouteConfig>;

  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  const RouteConfig& operator[](std::size_t index) const { return *list_[index]; }
  const Shared& shared(std::size_t index) const { return list_[index]; }
  void reserve(std::size_t size) { list_.reserve(size); }
  void push_back(Shared route) { list_.push_back(std::move(route)); }
  void push_back(RouteConfig route) { list_.push_back(std::make_shared<const RouteConfig>(std::move(route))); }

  class Iterator {
   public:
    explicit Iterator(const Shared* at) : at_(at) {}
    const RouteConfig& operator*() const { return **at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Shared* at_;
  };
  Iterator begin() const { return Iterator(list_.data()); }
  Iterator end() const { return Iterator(list_.data() + list_.size()); }
  bool operator==(const RouteList& other) const {
    return std::equal(list_.begin(), list_.end(), other.list_.begin(), other.list_.end(), [](const Shared& a, const Shared& b) { return a == b || *a == *b; });
  }

 private:
  std::vector<Shared> list_;
};

struct Config {
  std::vector<UpstreamConfig> upstreams;
  std::vector<AuthConfig> auth;
  RouteList routes;
  std::vector<Cidr> trusted_proxies;
  std::optional<LimitStoreConfig> limit_store;
  std::size_t body_limit = 10u << 20;

  /// Every fault at once, one line each: `gateway.yaml:14:9: route "orders": unknown upstream "ordrs"; did you mean "orders"?`
  static Result<Config> parse(std::string_view text, std::string_view filename);
  static Result<Config> load(const std::string& path);

  /// What parse() gives, from one tree of the whole text: twice the memory for a moment, and the judge of what ConfigReader does in parts.
  static Result<Config> parse_whole(std::string_view text, std::string_view filename);
  /// The text of a configuration's file, at most 8 MiB, and the name that its faults have.
  static Result<std::string> read_file(const std::string& path);
  static std::string_view name_of(std::string_view path);
  bool operator==(const Config&) const = default;
};

}  // namespace yun::gateway
