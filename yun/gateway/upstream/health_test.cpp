#include "yun/gateway/upstream/health.hpp"

#include <gtest/gtest.h>

#include "yun/runtime/threads.hpp"

using namespace yun;
using namespace yun::gateway;

namespace {
runtime::Address address(std::string_view text) { return *runtime::Address::parse(text); }
std::vector<balance::Endpoint> two() { return {{.address = address("127.0.0.1:1"), .authority = "a", .labels = {}}, {.address = address("127.0.0.1:2"), .authority = "b", .labels = {}}}; }
}  // namespace

TEST(HealthTable, TheVerdictTurnsOnlyAfterEnoughInARow) {
  HealthTable table({.path = "/health", .unhealthy_after = 2, .healthy_after = 2});
  const auto one = address("127.0.0.1:1");
  EXPECT_FALSE(table.report(one, false));
  EXPECT_FALSE(table.report(one, true));
  EXPECT_FALSE(table.report(one, false));
  EXPECT_TRUE(table.is_healthy(one));
  EXPECT_TRUE(table.report(one, false));
  EXPECT_FALSE(table.is_healthy(one));
  EXPECT_FALSE(table.report(one, true));
  EXPECT_TRUE(table.report(one, true));
  EXPECT_TRUE(table.is_healthy(one));
}

namespace {
Task<std::vector<std::size_t>> sizes() {
  auto table = std::make_shared<HealthTable>(HealthCheck{.path = "/health", .unhealthy_after = 1});
  HealthyResolver resolver(std::make_unique<balance::StaticResolver>(two()), table);
  Context ctx;
  std::vector<std::size_t> seen;
  auto first = co_await resolver.resolve(ctx);
  seen.push_back(first->endpoints.size());
  table->report(address("127.0.0.1:1"), false);
  auto second = co_await resolver.next(ctx, first->revision);
  seen.push_back(second->endpoints.size());
  table->report(address("127.0.0.1:2"), false);
  auto third = co_await resolver.next(ctx, second->revision);
  seen.push_back(third->endpoints.size());
  co_return seen;
}
}  // namespace

TEST(HealthyResolver, LeavesTheSickOutUnlessAllAre) { EXPECT_EQ(runtime::block_on(sizes()), (std::vector<std::size_t>{2, 1, 2})); }
