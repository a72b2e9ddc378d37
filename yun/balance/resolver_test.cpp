#include "yun/balance/resolver.hpp"

#include <gtest/gtest.h>

#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::balance;

namespace {

Task<Result<EndpointSet>> resolve(std::string url) {
  Context ctx;
  YUN_TRY(resolver, open(url));
  co_return co_await resolver->resolve(ctx);
}

std::string why(std::string url) {
  auto resolver = open(url);
  return resolver ? "" : resolver.error().message();
}

Task<void> change(StaticResolver& resolver) {
  (void)co_await runtime::yield_now();
  resolver.set({Endpoint{*runtime::Address::parse("10.0.0.9:1"), "x", 1, {}}});
}
Task<Result<EndpointSet>> watch_a_change() {
  StaticResolver resolver({Endpoint{*runtime::Address::parse("10.0.0.1:1"), "x", 1, {}}});
  Context root;
  Context ctx(root, 5s);
  runtime::Scope scope;
  scope.spawn(change(resolver));
  auto set = co_await resolver.next(ctx, 1);
  co_await scope.join();
  co_return set;
}
}  // namespace

TEST(Resolver, StaticTakesAddressesWeightsAndAnAuthority) {
  auto set = runtime::block_on(resolve("static://127.0.0.1:8081*3,[::1]:9090,unix:/run/x.sock?authority=users"));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->endpoints.size(), 3U);
  EXPECT_EQ(set->endpoints[0].weight, 3U);
  EXPECT_EQ(set->endpoints[1].address.to_string(), "[::1]:9090");
  EXPECT_TRUE(set->endpoints[2].address.is_unix());
  EXPECT_EQ(set->endpoints[2].authority, "users");
}

TEST(Resolver, WebUrlsOfAnAddressAreStaticWithDefaultPorts) {
  auto set = runtime::block_on(resolve("https://127.0.0.1/"));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->endpoints[0].address.port(), 443);
  EXPECT_EQ(set->endpoints[0].authority, "127.0.0.1");
}

TEST(Resolver, LocalhostNeedsNoNameServer) {
  auto set = runtime::block_on(resolve("dns://localhost:8080"));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->endpoints[0].address.to_string(), "127.0.0.1:8080");
  EXPECT_EQ(set->endpoints[0].authority, "localhost:8080");
}

TEST(Resolver, ABadUrlSaysWhatIsWrong) {
  EXPECT_NE(why("users:80").find("is not a service URL"), std::string::npos);
  EXPECT_NE(why("ftp://x").find("no resolver for 'ftp://'"), std::string::npos);
  EXPECT_NE(why("static://").find("names no endpoint"), std::string::npos);
  EXPECT_NE(why("static://nowhere").find("is not host:port"), std::string::npos);
  EXPECT_NE(why("static://1.2.3.4:80*0").find("weight"), std::string::npos);
  EXPECT_NE(why("dns://users").find("needs a port"), std::string::npos);
  EXPECT_NE(why("dns://users:80?tls=1").find("unknown option 'tls'"), std::string::npos);
  EXPECT_NE(why("dns://users:99999").find("bad port"), std::string::npos);
}

TEST(Resolver, NextWaitsForAChange) {
  auto set = runtime::block_on(watch_a_change());
  ASSERT_TRUE(set);
  EXPECT_EQ(set->revision, 2U);
  EXPECT_EQ(set->endpoints[0].address.host(), "10.0.0.9");
}
