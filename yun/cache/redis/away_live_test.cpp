// What a program sees of a Redis that dies, freezes and returns: slower answers, and nothing else.

#include <gtest/gtest.h>

#include "yun/cache/redis/live_for_tests.hpp"
#include "yun/cache/store.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::cache::redis {
namespace {

using namespace std::chrono_literals;

/// Where values come from when the cache has none.
struct Source {
  int loads = 0;
  Task<Result<std::string>> load(Context& ctx) {
    ++loads;
    auto slept = co_await runtime::sleep_for(ctx, 20ms);
    if (!slept) co_return std::move(slept).error();
    co_return std::string("loaded");
  }
};

struct Answer {
  Result<std::string> value = unavailable("none");
  std::chrono::milliseconds took{};
};

Task<void> ask(Cache cache, Context& ctx, Source& source, std::string key, Answer& answer) {
  const TimePoint began = Clock::now();
  auto load = [&source](Context& load_ctx) { return source.load(load_ctx); };
  auto loading = cache.get_or_load<std::string>(ctx, key, std::chrono::minutes(1), load);
  answer.value = co_await std::move(loading);
  answer.took = since(began);
}

/// `count` who ask for one key at the same time.
Task<std::vector<Answer>> ask_together(Cache cache, Context& ctx, Source& source, std::string key, std::size_t count) {
  std::vector<Answer> answers(count);
  runtime::Scope scope;
  for (Answer& answer : answers) scope.spawn(ask(cache, ctx, source, key, answer));
  co_await scope.join();
  co_return answers;
}

void expect_loaded(const std::vector<Answer>& answers, std::chrono::milliseconds within) {
  for (const Answer& answer : answers) {
    EXPECT_TRUE(answer.value.ok()) << answer.value.error().to_string();
    EXPECT_LT(answer.took, within);
  }
}

Task<Result<void>> wait_until_served(Cache cache, Context& ctx) {
  const TimePoint until = Clock::now() + 10s;
  for (;;) {
    auto set = co_await cache.set(ctx, "probe", std::string("x"), std::chrono::minutes(1));
    if (set || Clock::now() > until) co_return set;
    YUN_CHECK(co_await runtime::sleep_for(ctx, 5ms));
  }
}

std::string cache_url(const runtime::Address& address) { return "redis://" + address.to_string() + "?connect_timeout=300ms"; }

double value_of(const metrics::Registry& registry, const std::string& series) {
  const std::string text = registry.render();
  const auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + series.size() + 2, nullptr);
}

Task<Result<void>> go_on_without(testing::Peer& redis, metrics::Registry& registry) {
  Context ctx;
  YUN_TRY(cache, open(cache_url(redis.address()), {.name = "users", .metrics = &registry}));
  Source source;
  YUN_CHECK(co_await wait_until_served(cache, ctx));
  auto before = co_await ask_together(cache, ctx, source, "a", 10);
  before = co_await ask_together(cache, ctx, source, "a", 10);
  EXPECT_EQ(source.loads, 1);

  const std::uint64_t lines = observe::log::count(observe::log::Level::Warn);
  redis.kill();
  source.loads = 0;
  for (int round = 0; round < 20; ++round) {
    const auto answers = co_await ask_together(cache, ctx, source, "a", 10);
    expect_loaded(answers, 200ms);
  }
  EXPECT_EQ(source.loads, 20) << "one at a time for a key, as ever";
  EXPECT_EQ(observe::log::count(observe::log::Level::Warn) - lines, 1U) << "one line, however many were refused";
  EXPECT_GE(value_of(registry, "cache_requests_total{cache=\"users\",result=\"error\"}"), 20);
  EXPECT_GE(value_of(registry, "redis_calls_total{client=\"users\",result=\"unavailable\"}"), 20);
  EXPECT_EQ(value_of(registry, "redis_connections{client=\"users\"}"), 0);

  EXPECT_TRUE(redis.restart());
  YUN_CHECK(co_await wait_until_served(cache, ctx));
  EXPECT_EQ(value_of(registry, "redis_connections{client=\"users\"}"), 1);
  source.loads = 0;
  (void)co_await ask_together(cache, ctx, source, "a", 10);
  (void)co_await ask_together(cache, ctx, source, "a", 10);
  EXPECT_EQ(source.loads, 1) << "it is used again";
  co_return Result<void>();
}

TEST(RedisAway, ADeadRedisMeansLoadsAndNothingElse) {
  auto redis = testing::Peer::start("redis");
  ASSERT_TRUE(redis) << redis.error().to_string();
  metrics::Registry registry;
  run(go_on_without(*redis, registry));
}

Task<Result<void>> freeze(testing::Peer& redis) {
  Context ctx;
  YUN_TRY(cache, open(cache_url(redis.address())));
  Source source;
  YUN_CHECK(co_await wait_until_served(cache, ctx));
  redis.freeze();
  const auto first = co_await ask_together(cache, ctx, source, "a", 10);
  expect_loaded(first, 300ms);  // one timeout of 100 ms, the load, and room for a busy machine
  EXPECT_EQ(source.loads, 1);
  // For two seconds from now the connection is stalled, then given up, then tried anew in vain: a request notices none of it.
  const TimePoint until = Clock::now() + 2s;
  std::vector<std::chrono::milliseconds> took;
  while (Clock::now() < until) {
    const auto answers = co_await ask_together(cache, ctx, source, "b", 3);
    expect_loaded(answers, 200ms);
    for (const Answer& answer : answers) took.push_back(answer.took);
  }
  std::ranges::sort(took);
  EXPECT_LT(took.at(took.size() / 2), 60ms) << "the load's 20 ms, and no timeout of the cache";
  redis.resume();
  YUN_CHECK(co_await wait_until_served(cache, ctx));
  co_return Result<void>();
}

TEST(RedisAway, AFrozenRedisCostsTheFirstItsTimeoutAndTheRestNothing) {
  auto redis = testing::Peer::start("redis");
  ASSERT_TRUE(redis) << redis.error().to_string();
  run(freeze(*redis));
}

Task<Result<void>> never_there(runtime::Address nobody) {
  Context ctx;
  YUN_TRY(cache, open(cache_url(nobody)));
  Source source;
  for (int i = 0; i < 5; ++i) {
    const auto answers = co_await ask_together(cache, ctx, source, "a", 4);
    expect_loaded(answers, 200ms);
  }
  EXPECT_EQ(source.loads, 5);
  co_return Result<void>();
}

TEST(RedisAway, AProgramStartsWithoutIt) {
  auto free = runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"));
  const runtime::Address nobody = free->address();
  free = unavailable("closed");
  run(never_there(nobody));
}

Task<Result<void>> many_clients(testing::ChaosProxy& proxy, std::uint64_t& at_once) {
  Context ctx;
  std::vector<Cache> caches;
  for (int i = 0; i < 20; ++i) {
    YUN_TRY(cache, open(cache_url(proxy.address())));
    caches.push_back(cache);
    YUN_CHECK(co_await wait_until_served(cache, ctx));
  }
  proxy.set({.mode = testing::Mode::Refuse});
  proxy.cut();
  YUN_CHECK(co_await runtime::sleep_for(ctx, 1500ms));
  const std::uint64_t before = proxy.counts().accepted;
  proxy.set({});
  YUN_CHECK(co_await runtime::sleep_for(ctx, 20ms));
  at_once = proxy.counts().accepted - before;
  for (Cache& cache : caches) YUN_CHECK(co_await wait_until_served(cache, ctx));
  EXPECT_EQ(proxy.counts().accepted - before, 20U) << "each connected once";
  co_return Result<void>();
}

TEST(RedisAway, WhoComeBackDoNotComeTogether) {
  testing::ChaosProxy proxy(shared_redis().address());
  std::uint64_t at_once = 0;
  run(many_clients(proxy, at_once));
  EXPECT_LE(at_once, 8U) << "of 20, in the first 20 ms of some two seconds";
}

}  // namespace
}  // namespace yun::cache::redis
