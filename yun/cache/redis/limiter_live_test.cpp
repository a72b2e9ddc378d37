#include "yun/cache/redis/limiter.hpp"

#include <gtest/gtest.h>

#include "yun/cache/redis/live_for_tests.hpp"

namespace yun::cache::redis {
namespace {

using namespace std::chrono_literals;

resilience::LimiterOptions fifty_per_second() {
  resilience::LimiterOptions limit;
  limit.rate = {50, 1s};
  limit.burst = 50;
  return limit;
}

/// One take a millisecond on each limiter for `length`; how many were let through in all.
Task<int> flood(Context& ctx, std::vector<SharedLimiter*> limiters, Duration length) {
  int allowed = 0;
  const TimePoint until = Clock::now() + length;
  while (Clock::now() < until) {
    for (SharedLimiter* limiter : limiters) allowed += limiter->take("consumer:7", Clock::now()).allowed;
    auto slept = co_await runtime::sleep_for(ctx, 1ms);
    if (!slept) break;
  }
  co_return allowed;
}

Task<Result<void>> wait_shared(Context& ctx, SharedLimiter& limiter) {
  const TimePoint until = Clock::now() + 10s;
  while (!limiter.is_shared()) {
    (void)limiter.take("warm", Clock::now());
    if (Clock::now() > until) co_return unavailable("never shared");
    YUN_CHECK(co_await runtime::sleep_for(ctx, 2ms));
  }
  co_return Result<void>();
}

Task<Result<void>> share(testing::Peer& redis) {
  Context ctx;
  const SharedLimiterOptions two{.instances = 2, .sync = 50ms, .away = 500ms, .prefix = "limit:", .max_in_sync = 1000};
  SharedLimiter first(Client(options_for(redis.address())), fifty_per_second(), two);
  SharedLimiter second(Client(options_for(redis.address())), fifty_per_second(), two);
  YUN_CHECK(co_await wait_shared(ctx, first));
  YUN_CHECK(co_await wait_shared(ctx, second));
  std::vector<SharedLimiter*> both;
  both.push_back(&first);
  both.push_back(&second);
  // A burst and two seconds' worth is 150; two limiters that do not share would let through 300.
  const int together = co_await flood(ctx, both, 2s);
  EXPECT_GE(together, 130);
  EXPECT_LE(together, 225) << "the limit, and what the other took before it was told";
  // The debt of the first sync is paid by now: what goes on is the rate.
  const int later = co_await flood(ctx, both, 2s);
  EXPECT_GE(later, 60);
  EXPECT_LE(later, 130);

  redis.freeze();
  YUN_CHECK(co_await runtime::sleep_for(ctx, 800ms));
  EXPECT_FALSE(first.is_shared());
  const TimePoint began = Clock::now();
  for (int i = 0; i < 10'000; ++i) (void)first.take("consumer:8", Clock::now());
  EXPECT_LT(since(began), 200ms) << "no take waits for Redis";
  int alone = 0;
  for (int i = 0; i < 200; ++i) alone += second.take("consumer:9", Clock::now()).allowed;
  EXPECT_GE(alone, 25) << "its half of the burst";
  EXPECT_LE(alone, 32);
  redis.resume();
  YUN_CHECK(co_await wait_shared(ctx, first));
  co_return Result<void>();
}

TEST(SharedLimiter, ProcessesKeepOneLimitTogetherAndTheirSharesWithoutRedis) {
  auto redis = testing::Peer::start("redis");
  ASSERT_TRUE(redis) << redis.error().to_string();
  run(share(*redis));
}

}  // namespace
}  // namespace yun::cache::redis
