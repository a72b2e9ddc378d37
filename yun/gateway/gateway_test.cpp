// A gateway before upstreams of its own making, in one process.
#include "yun/gateway/gateway.hpp"

#include <gtest/gtest.h>

#include "yun/http/auth/jwt.hpp"
#include "yun/http/client/client.hpp"
#include "yun/http/server/server.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/rpc/server.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::gateway;

namespace {

std::vector<http::SigningKey> one_key() {
  std::vector<http::SigningKey> keys;
  keys.push_back(*http::SigningKey::generate());
  return keys;
}

/// Key set and gRPC with reflection on one port; 503 to everything until it is up.
struct Backend final : http::Handler {
  Task<void> handle(Context& ctx, http::Request& request, http::Response& response) override {
    if (!up) {
      response = http::Response::text(503, "starting");
      return {};
    }
    if (request.path == "/jwks.json") {
      response = http::Response::json(200, http::jwks(keys));
      return {};
    }
    if (before_2023 && request.path.starts_with("/grpc.reflection.v1.")) request.path = "/unknown.Service/Method";
    return grpc.handle(ctx, request, response);
  }
  void finished(Context& ctx, const http::Request& request, const http::Response& response, const http::Outcome& outcome) noexcept override {
    if (up && request.path != "/jwks.json") grpc.finished(ctx, request, response, outcome);
  }
  bool up = false;
  bool before_2023 = false;  ///< its reflection is v1alpha alone
  std::vector<http::SigningKey> keys = one_key();
  rpc::Server grpc{{}};
};

struct GatewayTest : ::testing::Test {
  Config config(const std::string& more = "") const {
    const std::string at = bound.to_string();
    auto parsed = Config::parse("upstreams:\n  users: { to: \"static://" + at + "\", protocol: grpc }\n" +
                                    "auth:\n  main: { jwks: \"http://" + at + "/jwks.json\", issuer: shop, audience: shop }\n" +
                                    "routes:\n  - { name: check, match: path(/check), to: users, grpc: { method: grpc.health.v1.Health/Check } }\n" + more,
                                "test.yaml");
    EXPECT_TRUE(parsed.ok()) << parsed.error().message();
    return std::move(*parsed);
  }
  /// Waits until nothing is missing.
  Task<bool> complete(Context& ctx) {
    while (!gateway.missing().empty()) {
      auto slept = co_await runtime::sleep_for(ctx, 2ms);
      if (!slept) co_return false;
    }
    co_return true;
  }
  /// The word of the refusal, or the status.
  Task<std::string> get(Context& ctx, std::string path) {
    Context own(ctx);
    http::Request request;
    request.target = request.path = path;
    request.peer = *runtime::Address::parse("192.0.2.1:5");
    http::Response response;
    auto handled = gateway.handle(own, request, response);
    if (handled) co_await std::move(handled);
    co_return response.reason.empty() ? std::to_string(response.status) : response.reason;
  }

  using Body = Task<void> (*)(GatewayTest&, Context&);
  void run(Body body) {
    http_server.start();
    runtime.loop(0).post([&] { runtime.loop(0).spawn(drive(*this, body)); });
    runtime.run();
  }
  static Task<void> drive(GatewayTest& test, Body body) {
    Context root;
    Context ctx(root, 20s);
    Context background(root);
    runtime::Scope scope;
    EXPECT_TRUE(test.gateway.apply(test.config()));
    scope.spawn(test.gateway.run(background));
    co_await body(test, ctx);
    background.cancel();
    co_await scope.join();
    co_await test.http_server.drain(1s);
    test.runtime.stop();
  }

  Backend backend;
  observe::metrics::Registry metrics;
  http::Client client;
  Gateway gateway{{.client = &client, .metrics = &metrics, .state_folder = ""}};
  runtime::Runtime runtime{1};
  http::Server http_server{runtime, backend};
  runtime::Address bound = *http_server.listen(*runtime::Address::parse("127.0.0.1:0"));
};

Task<void> misses_until_the_backend_is_up(GatewayTest& test, Context& ctx) {
  const std::string first = test.gateway.missing();
  EXPECT_EQ(first, "the key set of auth \"main\", the methods of upstream \"users\"");
  std::string told = co_await test.get(ctx, "/check");
  EXPECT_EQ(told, "schema_unavailable");
  test.backend.up = true;
  const bool complete = co_await test.complete(ctx);
  EXPECT_TRUE(complete);
  told = co_await test.get(ctx, "/check");
  EXPECT_EQ(told, "200");
}

Task<void> learns_what_a_reload_adds(GatewayTest& test, Context& ctx) {
  test.backend.up = true;
  const bool complete = co_await test.complete(ctx);
  EXPECT_TRUE(complete);
  EXPECT_TRUE(test.gateway.apply(test.config("  - { name: info, match: path(/info), to: users, grpc: { method: grpc.reflection.v1.ServerReflection/ServerReflectionInfo } }\n")));
  std::string told = "method_unknown";
  while (told == "method_unknown") {
    auto slept = co_await runtime::sleep_for(ctx, 2ms);
    EXPECT_TRUE(slept) << "the new service was never learnt";
    if (!slept) co_return;
    told = co_await test.get(ctx, "/info");
  }
  told = co_await test.get(ctx, "/check");
  EXPECT_EQ(told, "200");
}

Task<void> names_what_an_upstream_leaves_unnamed(GatewayTest& test, Context& ctx) {
  EXPECT_TRUE(test.gateway.apply(test.config("  - { name: keys, match: path(/jwks.json), to: users }\n")));
  std::string told = co_await test.get(ctx, "/jwks.json");
  EXPECT_EQ(told, "upstream_error") << "a 503 without a word of its own";
  test.backend.up = true;
  told = co_await test.get(ctx, "/jwks.json");
  EXPECT_EQ(told, "200");
}

Task<void> asks_by_v1alpha(GatewayTest& test, Context& ctx) {
  test.backend.before_2023 = true;
  test.backend.up = true;
  const bool complete = co_await test.complete(ctx);
  EXPECT_TRUE(complete);
  const std::string told = co_await test.get(ctx, "/check");
  EXPECT_EQ(told, "200");
}

}  // namespace

TEST_F(GatewayTest, LearnsMethodsFromAServerWhoseReflectionIsV1Alpha) { run(&asks_by_v1alpha); }

TEST_F(GatewayTest, NamesTheFailureOfAnUpstreamThatGaveNoReason) { run(&names_what_an_upstream_leaves_unnamed); }

TEST_F(GatewayTest, MissesKeysAndMethodsUntilItHasLearntThem) { run(&misses_until_the_backend_is_up); }

TEST_F(GatewayTest, LearnsTheServicesThatAReloadAdds) { run(&learns_what_a_reload_adds); }
