#include "yun/gateway/config/config.hpp"

#include <gtest/gtest.h>

using namespace yun;
using namespace yun::gateway;

namespace {

std::string faults(std::string_view text) {
  auto config = Config::parse(text, "gateway.yaml");
  return config ? "none" : config.error().message();
}

constexpr std::string_view kGood = R"(upstreams:
  users: { to: "static://127.0.0.1:8081", protocol: grpc }
  orders: { to: "static://127.0.0.1:8082", health: { path: /health, every: 2s } }
auth:
  main: { jwks: "http://127.0.0.1:8081/jwks.json", issuer: shop, audience: shop }
trusted_proxies: [ 10.0.0.0/8, "::1" ]
routes:
  - name: user
    match: path(/users/{id}) && method(GET)
    to: users
    grpc: { method: shop.v1.UserService/GetUser }
    use: [ jwt: main, limit: 100/s by consumer ]
  - name: orders
    match: host(api.example.com) && path(/orders/*)
    to: orders
    timeout: 3s
)";

}  // namespace

TEST(GatewayConfig, ReadsAWholeFile) {
  auto config = Config::parse(kGood, "gateway.yaml");
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_EQ(config->routes.size(), 2U);
  EXPECT_EQ(config->routes[0].grpc->service, "shop.v1.UserService");
  EXPECT_EQ(config->routes[0].grpc->method, "GetUser");
  EXPECT_EQ(config->routes[0].limit->by, LimitConfig::By::Consumer);
  EXPECT_EQ(config->routes[0].limit->rate.count, 100);
  EXPECT_EQ(config->routes[1].timeout, std::chrono::seconds(3));
  EXPECT_EQ(config->upstreams[1].health.path, "/health");
  EXPECT_TRUE(config->trusted_proxies[0].contains(*runtime::Address::parse("10.1.2.3:1")));
  EXPECT_FALSE(config->trusted_proxies[0].contains(*runtime::Address::parse("11.1.2.3:1")));
  EXPECT_TRUE(config->trusted_proxies[1].contains(*runtime::Address::parse("[::1]:1")));
}

TEST(GatewayConfig, ASharedLimitNamesItsStore) {
  const std::string routes = R"(upstreams:
  a: { to: "static://127.0.0.1:1" }
routes:
  - { name: a, match: path(/a), to: a, use: [ limit: 100/s by address shared ] }
  - { name: b, match: path(/b), to: a, use: [ limit: 50/s shared ] }
)";
  auto config = Config::parse("limit_store: { redis: \"redis://:secret@127.0.0.1:6379/1\", gateways: 3 }\n" + routes, "gateway.yaml");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->limit_store, (LimitStoreConfig{"redis://:secret@127.0.0.1:6379/1", 3}));
  EXPECT_TRUE(config->routes[0].limit->shared);
  EXPECT_EQ(config->routes[0].limit->rate.count, 100);
  EXPECT_TRUE(config->routes[1].limit->shared);
  const std::string needs = R"(limit: shared needs to be told where, at the top of the file: limit_store: { redis: "redis://host:6379/0" })";
  EXPECT_EQ(faults(routes), "gateway.yaml:4:54: route \"a\": " + needs + "\ngateway.yaml:5:54: route \"b\": " + needs);
  EXPECT_NE(faults("limit_store: { redis: \"http://127.0.0.1\" }\n" + routes).find("gateway.yaml:1:23: limit_store.redis: "), std::string::npos)
      << faults("limit_store: { redis: \"http://127.0.0.1\" }\n" + routes);
  EXPECT_NE(faults("limit_store: { redis: \"redis://127.0.0.1\", gateways: 0 }\n" + routes).find("must be at least 1"), std::string::npos);
}

TEST(GatewayConfig, ATryIsShorterThanTheRequest) {
  const std::string head = "upstreams:\n  a: { to: \"static://127.0.0.1:1\" }\nroutes:\n  - { name: a, match: path(/a), to: a, timeout: 2s, try_timeout: ";
  auto config = Config::parse(head + "500ms }\n", "gateway.yaml");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->routes[0].try_timeout, std::chrono::milliseconds(500));
  EXPECT_NE(faults(head + "2s }\n").find("must be from 1ms to less than the timeout"), std::string::npos);
}

TEST(GatewayConfig, AnUnknownUpstreamIsNamedWithItsPlaceAndTheNearest) {
  EXPECT_EQ(faults(R"(upstreams:
  orders: { to: "static://127.0.0.1:8082" }
routes:
  - name: orders
    match: path(/orders)
    to: ordrs
)"),
            R"(gateway.yaml:6:9: route "orders": unknown upstream "ordrs"; did you mean "orders"?)");
}

TEST(GatewayConfig, WhatIsNoMapIsOneFault) {
  EXPECT_EQ(faults("upstreams:\n  orders: static://127.0.0.1:1\nroutes: [ { name: a, match: path(/a), to: orders } ]\n"),
            "gateway.yaml:2:11: upstream \"orders\": must be a map, is \"static://127.0.0.1:1\"");
}

TEST(GatewayConfig, AKeySetIsAtAUrlOrAtAnUpstream) {
  const auto with = [](std::string_view auth) {
    return faults("upstreams:\n  users: { to: \"static://127.0.0.1:1\" }\n  rpc: { to: \"static://127.0.0.1:1\", protocol: grpc }\nauth:\n  main: { " + std::string(auth) +
                  ", issuer: shop, audience: shop }\nroutes: [ { name: a, match: path(/a), to: users } ]\n");
  };
  EXPECT_EQ(with("jwks: /jwks.json, upstream: users"), "none");
  EXPECT_EQ(with("jwks: /jwks.json"), "gateway.yaml:5:17: auth \"main\".jwks: must be a URL, or a path beside upstream: NAME");
  EXPECT_EQ(with("jwks: \"http://a/jwks.json\", upstream: users"),
            "gateway.yaml:5:17: auth \"main\".jwks: must be a path such as /.well-known/jwks.json, since upstream says where");
  EXPECT_EQ(with("jwks: /jwks.json, upstream: user"), "gateway.yaml:5:39: auth \"main\".upstream: unknown upstream \"user\"; did you mean \"users\"?");
  EXPECT_EQ(with("jwks: /jwks.json, upstream: rpc"), "gateway.yaml:5:39: auth \"main\".upstream: must be one whose protocol is http");
}

TEST(GatewayConfig, EveryFaultIsToldAtOnce) {
  EXPECT_EQ(faults(R"(upstreams:
  orders: { too: "static://127.0.0.1:8082" }
routes:
  - name: a
    match: pth(/orders)
    to: orders
    use: [ jwt: main, limit: 5/parsec ]
)"),
            R"x(gateway.yaml:2:11: upstream "orders": to: is required
gateway.yaml:2:13: upstream "orders".too: unknown key; did you mean "to"?
gateway.yaml:5:12: route "a": match: at 1: unknown condition "pth"; did you mean "path"?
gateway.yaml:7:17: route "a": unknown auth "main"
gateway.yaml:7:30: route "a": limit: )x" +
                parse_rate("5/parsec").error().message());
}

TEST(GatewayConfig, TwoRoutesForTheSameRequestsAreRefused) {
  const std::string text = faults(R"x(upstreams:
  a: { to: "static://127.0.0.1:1" }
routes:
  - { name: one, match: "path(/x/{id})", to: a }
  - { name: two, match: "path(/x/{other})", to: a }
)x");
  EXPECT_EQ(text, R"(gateway.yaml:5:5: route "two": matches the same requests as route "one"; give one a priority)");
}

TEST(GatewayConfig, ALimitByConsumerNeedsAToken) {
  EXPECT_NE(faults(R"(upstreams:
  a: { to: "static://127.0.0.1:1" }
routes:
  - { name: one, match: path(/x), to: a, use: [ limit: 5/s by consumer ] }
)")
                .find("limit by consumer needs a jwt"),
            std::string::npos);
}

TEST(GatewayConfig, TheShopsFileIsGood) {
  auto config = Config::load(YUN_SOURCE_DIR "/apps/gateway/gateway.yaml");
  EXPECT_TRUE(config) << config.error().message();
}
