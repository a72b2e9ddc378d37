#include "yun/resilience/token_bucket.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace yun::resilience {
namespace {

const TimePoint kStart = TimePoint(1000s);

TEST(TokenBucket, GivesABurstThenItsRate) {
  TokenBucket bucket({.rate = {10, 1s}});
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto decision = bucket.take(kStart);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.remaining, 9 - i);
  }
  const auto refused = bucket.take(kStart);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.limit, 10U);
  EXPECT_EQ(refused.remaining, 0U);
  EXPECT_EQ(refused.retry_after, 100ms);
  EXPECT_EQ(refused.reset, 1s);
  EXPECT_TRUE(bucket.take(kStart + 100ms).allowed);
  EXPECT_FALSE(bucket.take(kStart + 100ms).allowed);
}

TEST(TokenBucket, OverALongTimeTheRateHolds) {
  TokenBucket bucket({.rate = {100, 1s}, .burst = 1});
  int allowed = 0;
  for (TimePoint now = kStart; now < kStart + 10s; now += 1ms) allowed += bucket.take(now).allowed;
  EXPECT_EQ(allowed, 1000);
}

TEST(TokenBucket, ARefusedTakeCostsNothing) {
  TokenBucket bucket({.rate = {1, 1s}, .burst = 5});
  EXPECT_FALSE(bucket.take(kStart, 6).allowed);
  EXPECT_TRUE(bucket.take(kStart, 5).allowed);
}

TEST(TokenBucket, RatesPerMinuteComeBackSlowly) {
  TokenBucket bucket({.rate = {5, 60s}});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(bucket.take(kStart).allowed);
  EXPECT_EQ(bucket.take(kStart).retry_after, 12s);
}

TEST(TokenBucket, ThreadsShareOneBucketExactly) {
  TokenBucket bucket({.rate = {1, 3600s}, .burst = 1000});
  std::atomic<int> allowed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) allowed += bucket.take(kStart).allowed;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(allowed, 1000);
}

TEST(KeyedLimiter, EachKeyHasItsOwnBucket) {
  KeyedLimiter limiter({.rate = {1, 1s}});
  EXPECT_TRUE(limiter.take("a", kStart).allowed);
  EXPECT_FALSE(limiter.take("a", kStart).allowed);
  EXPECT_TRUE(limiter.take("b", kStart).allowed);
  EXPECT_TRUE(limiter.take("a", kStart + 1s).allowed);
}

TEST(KeyedLimiter, KeysAreBoundedAndTheLeastUsedGoes) {
  KeyedLimiter limiter({.rate = {1, 1s}, .max_keys = 160});
  for (int i = 0; i < 10'000; ++i) {
    limiter.take(std::to_string(i), kStart);
    limiter.take("in use", kStart);
  }
  EXPECT_LE(limiter.keys(), 160U);
  EXPECT_GT(limiter.evicted(), 0U);
  EXPECT_FALSE(limiter.take("in use", kStart).allowed);
}

TEST(KeyedLimiter, ForgettingAFullBucketIsNoEviction) {
  KeyedLimiter limiter({.rate = {1, 1s}, .max_keys = 16});
  for (int i = 0; i < 1000; ++i) limiter.take(std::to_string(i), kStart + i * 2s);
  EXPECT_EQ(limiter.evicted(), 0U);
}

}  // namespace
}  // namespace yun::resilience
