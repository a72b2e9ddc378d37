#include "yun/cache/redis/driver.hpp"

#include <gtest/gtest.h>

#include "yun/cache/conformance.hpp"
#include "yun/cache/redis/live_for_tests.hpp"

namespace yun::cache::conformance {
namespace {

using redis::flush;
using redis::shared_redis;

std::string url(const runtime::Address& address) { return "redis://" + address.to_string() + "/0?prefix=test:&timeout=5s"; }

Result<Cache> open_redis() {
  flush(shared_redis().address());
  return open(url(shared_redis().address()));
}
std::string version2_url() {
  static auto peer = yun::testing::Peer::start("redis", {"--rename-command", "HELLO", ""});
  if (!peer) return "redis: not started";
  flush(peer->address());
  return url(peer->address());
}
Result<Cache> open_version2() { return open(version2_url()); }
Result<Cache> open_version2_with_memory() { return open(version2_url() + "&memory=1MiB"); }
Result<Cache> open_one_byte_at_a_time() {
  static yun::testing::ChaosProxy proxy(shared_redis().address());
  proxy.set({.mode = yun::testing::Mode::OneByte});
  flush(shared_redis().address());
  return open(url(proxy.address()));
}
Result<Cache> open_with_memory() {
  flush(shared_redis().address());
  return open(url(shared_redis().address()) + "&memory=1MiB");
}

INSTANTIATE_TEST_SUITE_P(Redis, Conformance, ::testing::Values(&open_redis));
INSTANTIATE_TEST_SUITE_P(RedisVersion2, Conformance, ::testing::Values(&open_version2));
INSTANTIATE_TEST_SUITE_P(RedisOneByteAtATime, Conformance, ::testing::Values(&open_one_byte_at_a_time));
INSTANTIATE_TEST_SUITE_P(RedisBehindMemory, Conformance, ::testing::Values(&open_with_memory));
INSTANTIATE_TEST_SUITE_P(RedisVersion2BehindMemory, Conformance, ::testing::Values(&open_version2_with_memory));

}  // namespace
}  // namespace yun::cache::conformance

namespace yun::cache::redis {
namespace {

using namespace std::chrono_literals;

Task<Result<void>> look_inside(std::string url) {
  Context ctx;
  YUN_TRY(cache, open(url + "?prefix=shop%3A&timeout=5s", {.ttl_jitter = 0}));
  Options raw = options_for(shared_redis().address());
  raw.timeout = raw.stall = 5s;
  Client client(raw);
  YUN_CHECK(co_await cache.set(ctx, "user:1", std::string("Ann"), 90s));
  YUN_TRY(text, co_await client.call(ctx, Command("GET", "shop:user:1")));
  EXPECT_EQ(text.text, "+Ann");
  YUN_TRY(left, co_await client.call(ctx, Command("PTTL", "shop:user:1")));
  EXPECT_GT(left.integer, 80'000);
  EXPECT_LE(left.integer, 90'000);
  YUN_CHECK(co_await cache.set(ctx, "short", std::string("x"), 30ms));
  YUN_CHECK(co_await runtime::sleep_for(ctx, 60ms));
  YUN_TRY(gone, co_await cache.get(ctx, "short"));
  EXPECT_FALSE(gone.has_value());
  YUN_CHECK(co_await cache.set(ctx, "ever", std::string("x"), Duration::max()));
  YUN_TRY(ever, co_await client.call(ctx, Command("PTTL", "shop:ever")));
  EXPECT_EQ(ever.integer, -1) << "no expiry";
  YUN_CHECK(co_await client.call(ctx, Command("LPUSH", "shop:list", "x")));
  auto list = co_await cache.get(ctx, "list");
  EXPECT_EQ(list.error().code(), Code::FailedPrecondition) << "another program's type: an error, which get_or_load passes by";
  co_return Result<void>();
}

TEST(RedisCache, KeepsEntriesUnderItsPrefixWithTheirTimeToLive) { run(look_inside("redis://" + shared_redis().address().to_string())); }

}  // namespace
}  // namespace yun::cache::redis
