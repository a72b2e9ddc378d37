#include "yun/cache/redis/tiered.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "yun/cache/redis/live_for_tests.hpp"
#include "yun/cache/redis/subscriber.hpp"
#include "yun/cache/store.hpp"

namespace yun::cache::redis {
namespace {

using namespace std::chrono_literals;

/// Two processes, as far as Redis can tell, a third that knows nothing of caches, and what the first of them asks of Redis.
struct Processes {
  testing::ChaosProxy proxy;
  metrics::Registry registry;
  Cache first;
  Cache second;
  Client raw;
  Context ctx;

  explicit Processes(const runtime::Address& redis)
      : proxy(redis),
        first(*open("redis://" + proxy.address().to_string() + "?prefix=t:&memory=1MiB&timeout=1s&connect_timeout=300ms", {.ttl_jitter = 0, .name = "first", .metrics = &registry})),
        second(*open("redis://" + redis.to_string() + "?prefix=t:&memory=1MiB&timeout=1s", {.ttl_jitter = 0, .name = "second"})),
        raw(slow(redis)) {}
  static Options slow(const runtime::Address& redis) {
    Options options = options_for(redis);
    options.timeout = options.stall = 5s;
    return options;
  }
  double memory_hits() const {
    const std::string text = registry.render();
    const std::string series = "\ncache_memory_hits_total{cache=\"first\"} ";
    const auto at = text.find(series);
    return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + series.size(), nullptr);
  }
};

/// Reads `key` until it is `wanted`; false after ten seconds.
Task<bool> becomes(Cache cache, Context& ctx, std::string key, std::optional<std::string> wanted) {
  const TimePoint until = Clock::now() + 10s;
  for (;;) {
    auto got = co_await cache.get(ctx, key);
    if (got && *got == wanted) co_return true;
    if (Clock::now() > until) co_return false;
    auto slept = co_await runtime::sleep_for(ctx, 2ms);
    if (!slept) co_return false;
  }
}

/// Until the memory answers for `key`: Redis tells of changes, and the copy is there.
Task<bool> warms(Processes& both, std::string key) {
  const TimePoint until = Clock::now() + 10s;
  for (int in_a_row = 0; in_a_row < 50;) {
    const double before = both.memory_hits();
    auto got = co_await both.first.get(both.ctx, key);
    in_a_row = got && both.memory_hits() > before ? in_a_row + 1 : 0;
    if (Clock::now() > until) co_return false;
    auto slept = co_await runtime::sleep_for(both.ctx, 1ms);
    if (!slept) co_return false;
  }
  co_return true;
}

Task<Result<void>> invalidate(Processes& both) {
  Context& ctx = both.ctx;
  YUN_CHECK(co_await both.second.set(ctx, "key", std::string("one"), 1h));
  EXPECT_TRUE(co_await warms(both, "key"));
  YUN_CHECK(co_await both.second.set(ctx, "key", std::string("two"), 1h));
  EXPECT_TRUE(co_await becomes(both.first, ctx, "key", "two")) << "another process has set it";
  EXPECT_TRUE(co_await warms(both, "key"));
  YUN_CHECK(co_await both.raw.call(ctx, Command("SET", "t:key", "+three")));
  EXPECT_TRUE(co_await becomes(both.first, ctx, "key", "three")) << "so has a program that knows nothing of caches";
  EXPECT_TRUE(co_await warms(both, "key"));
  YUN_CHECK(co_await both.second.erase(ctx, "key"));
  EXPECT_TRUE(co_await becomes(both.first, ctx, "key", std::nullopt));
  YUN_CHECK(co_await both.second.set(ctx, "key", std::string("four"), 1h));
  EXPECT_TRUE(co_await warms(both, "key"));
  YUN_CHECK(co_await both.raw.call(ctx, Command("FLUSHALL")));
  EXPECT_TRUE(co_await becomes(both.first, ctx, "key", std::nullopt));
  co_return Result<void>();
}

TEST(Tiered, AChangeByAnybodyReachesTheMemory) {
  flush(shared_redis().address());
  Processes both(shared_redis().address());
  run(invalidate(both));
}

Task<Result<void>> expire(Processes& both) {
  Context& ctx = both.ctx;
  YUN_CHECK(co_await both.second.set(ctx, "warm", std::string("x"), 1h));
  EXPECT_TRUE(co_await warms(both, "warm"));
  const TimePoint began = Clock::now();
  YUN_CHECK(co_await both.second.set(ctx, "key", std::string("x"), 300ms));
  YUN_TRY(there, co_await both.first.get(ctx, "key"));
  EXPECT_EQ(there, "x");
  for (;;) {
    YUN_TRY(still, co_await both.first.get(ctx, "key"));
    if (!still) break;
    if (since(began) > 2s) break;
    YUN_CHECK(co_await runtime::sleep_for(ctx, 5ms));
  }
  EXPECT_LT(since(began), 450ms) << "a copy does not outlive its entry";
  co_return Result<void>();
}

TEST(Tiered, ACopyLivesNoLongerThanItsEntry) {
  flush(shared_redis().address());
  Processes both(shared_redis().address());
  run(expire(both));
}

Task<Result<void>> go_blind(Processes& both) {
  Context& ctx = both.ctx;
  YUN_CHECK(co_await both.second.set(ctx, "key", std::string("one"), 1h));
  EXPECT_TRUE(co_await warms(both, "key"));
  // Nothing arrives any more, and nobody says so: what Redis tells of the change is lost.
  both.proxy.set({.mode = testing::Mode::Blackhole});
  const TimePoint began = Clock::now();
  YUN_CHECK(co_await both.second.set(ctx, "key", std::string("two"), 1h));
  for (;;) {
    auto got = co_await both.first.get(ctx, "key");
    if (!got || *got != "one") break;
    if (since(began) > 10s) break;
    YUN_CHECK(co_await runtime::sleep_for(ctx, 5ms));
  }
  EXPECT_LT(since(began), 4s) << "a ping without answer ends it";
  both.proxy.set({});
  EXPECT_TRUE(co_await becomes(both.first, ctx, "key", "two"));
  EXPECT_TRUE(co_await warms(both, "key")) << "and it is told of changes again";
  YUN_CHECK(co_await both.second.set(ctx, "key", std::string("three"), 1h));
  EXPECT_TRUE(co_await becomes(both.first, ctx, "key", "three"));
  co_return Result<void>();
}

TEST(Tiered, AMemoryThatIsToldNothingDropsWhatItHas) {
  flush(shared_redis().address());
  Processes both(shared_redis().address());
  run(go_blind(both));
}

Task<Result<void>> spare_the_source(Processes& both, testing::Peer& redis) {
  Context& ctx = both.ctx;
  YUN_CHECK(co_await both.second.set(ctx, "warm", std::string("x"), 1h));
  EXPECT_TRUE(co_await warms(both, "warm"));
  redis.kill();
  int loads = 0;
  std::function<Task<Result<std::string>>(Context&)> load = [&loads](Context&) -> Task<Result<std::string>> {
    ++loads;
    co_return std::string("loaded");
  };
  const TimePoint began = Clock::now();
  int asked = 0;
  while (since(began) < 900ms) {
    auto value = co_await both.first.get_or_load<std::string>(ctx, "key", 1h, std::ref(load));
    EXPECT_TRUE(value.ok());
    ++asked;
    YUN_CHECK(co_await runtime::sleep_for(ctx, 1ms));
  }
  EXPECT_GT(asked, 20);
  EXPECT_LE(loads, 4) << "about one a second, and one for each time that the connection's end is noticed";
  co_return Result<void>();
}

TEST(Tiered, WithoutRedisTheMemorySparesTheSource) {
  auto redis = testing::Peer::start("redis");
  ASSERT_TRUE(redis) << redis.error().to_string();
  Processes both(redis->address());
  run(spare_the_source(both, *redis));
}

Task<Result<void>> work(Cache cache, int thread, int rounds) {
  Context ctx;
  const std::string mine = "mine" + std::to_string(thread);
  for (int i = 0; i < rounds; ++i) {
    const std::string value = std::to_string(i);
    YUN_CHECK(co_await cache.set(ctx, mine, value, 1min));
    YUN_TRY(got, co_await cache.get(ctx, mine));
    EXPECT_EQ(got, value) << "one's own write is read back";
    YUN_CHECK(co_await cache.set(ctx, "shared", value, 1min));
    YUN_CHECK(co_await cache.get(ctx, "shared"));
    YUN_CHECK(co_await cache.erase(ctx, "shared"));
  }
  co_return Result<void>();
}

TEST(Tiered, LoopsShareItAndOneThatEndsTakesNothingWithIt) {
  flush(shared_redis().address());
  auto cache = open("redis://" + shared_redis().address().to_string() + "?prefix=t:&memory=1MiB&timeout=5s");
  ASSERT_TRUE(cache);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&cache, thread] {
      for (int loops = 0; loops < 3; ++loops) run(work(*cache, thread, 50 + 20 * thread));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// ---- the subscriber itself ----

struct Heard : Listener {
  int ups = 0;
  int downs = 0;
  std::vector<std::string> messages;
  void on_up() override { ++ups; }
  void on_down() override { ++downs; }
  void on_message(std::string_view channel, std::string_view payload) override { messages.push_back(std::string(channel) + "=" + std::string(payload)); }
};

Task<bool> eventually(Context& ctx, std::function<bool()> happened) {
  const TimePoint until = Clock::now() + 10s;
  while (!happened()) {
    if (Clock::now() > until) co_return false;
    auto slept = co_await runtime::sleep_for(ctx, 2ms);
    if (!slept) co_return false;
  }
  co_return true;
}

Task<Result<void>> listen(testing::Peer& redis) {
  Context ctx;
  Client client(Processes::slow(redis.address()));
  auto heard = std::make_shared<Heard>();
  Interests interests;
  interests.channels.push_back("orders");
  interests.patterns.push_back("user.*");
  auto subscriber = Subscriber::start(options_for(redis.address()), interests, heard);
  const std::function<bool()> up = [heard] { return heard->ups == 1; };
  EXPECT_TRUE(co_await eventually(ctx, up));
  YUN_CHECK(co_await client.call(ctx, Command("PUBLISH", "orders", "1")));
  YUN_CHECK(co_await client.call(ctx, Command("PUBLISH", "user.7", "2")));
  YUN_CHECK(co_await client.call(ctx, Command("PUBLISH", "other", "3")));
  const std::function<bool()> two = [heard] { return heard->messages.size() >= 2; };
  EXPECT_TRUE(co_await eventually(ctx, two));
  redis.kill();
  const std::function<bool()> down = [heard] { return heard->downs == 1; };
  EXPECT_TRUE(co_await eventually(ctx, down));
  EXPECT_TRUE(redis.restart());
  const std::function<bool()> again = [heard] { return heard->ups == 2; };
  EXPECT_TRUE(co_await eventually(ctx, again));
  YUN_CHECK(co_await call_until_ok(client, ctx, Command("PUBLISH", "orders", "4")));
  const std::function<bool()> three = [heard] { return heard->messages.size() >= 3; };
  EXPECT_TRUE(co_await eventually(ctx, three));
  const std::vector<std::string> wanted({"orders=1", "user.7=2", "orders=4"});
  EXPECT_EQ(heard->messages, wanted);
  subscriber->end();
  const std::function<bool()> ended = [heard] { return heard->downs == 2; };
  EXPECT_TRUE(co_await eventually(ctx, ended));
  co_return Result<void>();
}

TEST(Subscriber, HearsWhatIsPublishedAndSubscribesAgainAfterARestart) {
  auto redis = testing::Peer::start("redis");
  ASSERT_TRUE(redis) << redis.error().to_string();
  run(listen(*redis));
}

TEST(Subscriber, HearsAnOldServerToo) {
  auto redis = testing::Peer::start("redis", {"--rename-command", "HELLO", ""});
  ASSERT_TRUE(redis) << redis.error().to_string();
  run(listen(*redis));
}

}  // namespace
}  // namespace yun::cache::redis
