#include "yun/resilience/concurrency.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace std::chrono_literals;

namespace yun::resilience {
namespace {

using Outcome = ConcurrencyLimit::Outcome;

/// Fills the limit again and again for `rounds`; each round's requests all take `latency`.
void load(ConcurrencyLimit& limit, TimePoint& now, int rounds, Duration latency, Outcome outcome = Outcome::Done) {
  for (int i = 0; i < rounds; ++i) {
    std::vector<ConcurrencyLimit::Permit> permits;
    for (;;) {
      auto permit = limit.acquire(now);
      if (!permit) break;
      permits.push_back(*std::move(permit));
    }
    now += latency;
    for (auto& permit : permits) limit.release(std::move(permit), now, outcome);
  }
}

const TimePoint kStart = TimePoint(1000s);

TEST(ConcurrencyLimit, ShedsBeyondTheLimitAndSaysWhenToComeBack) {
  ConcurrencyLimit limit({.initial = 2, .min = 1});
  auto one = limit.acquire(kStart);
  auto two = limit.acquire(kStart);
  auto three = limit.acquire(kStart);
  ASSERT_FALSE(three);
  EXPECT_EQ(three.error().code(), Code::Unavailable);
  EXPECT_EQ(three.error().reason(), "overloaded");
  EXPECT_EQ(three.error().retry_after(), 1s);
  EXPECT_EQ(limit.shed(), 1U);
}

TEST(ConcurrencyLimit, APermitThatGoesGivesItsPlaceBack) {
  ConcurrencyLimit limit({.initial = 1, .min = 1});
  { auto permit = limit.acquire(kStart); }
  EXPECT_EQ(limit.in_flight(), 0U);
  EXPECT_TRUE(limit.acquire(kStart));
}

TEST(ConcurrencyLimit, GrowsWhileLatencyIsSteadyUpToItsHardMaximum) {
  ConcurrencyLimit limit({.initial = 20, .min = 10, .max = 200});
  TimePoint now = kStart;
  load(limit, now, 2000, 20ms);
  EXPECT_EQ(limit.limit(), 200U);
}

TEST(ConcurrencyLimit, FallsWhenLatencyRisesButNotBelowItsMinimum) {
  ConcurrencyLimit limit({.initial = 200, .min = 10, .max = 200});
  TimePoint now = kStart;
  load(limit, now, 50, 20ms);
  load(limit, now, 10, 400ms);
  EXPECT_LT(limit.limit(), 100U);
  EXPECT_GE(limit.limit(), 10U);
}

TEST(ConcurrencyLimit, GrowsAgainAfterAnOverload) {
  ConcurrencyLimit limit({.initial = 200, .min = 10, .max = 200});
  TimePoint now = kStart;
  load(limit, now, 50, 20ms);
  load(limit, now, 20, 400ms);
  load(limit, now, 3000, 20ms);
  EXPECT_EQ(limit.limit(), 200U);
}

TEST(ConcurrencyLimit, DroppedRequestsLowerIt) {
  ConcurrencyLimit limit({.initial = 100, .min = 10});
  TimePoint now = kStart;
  load(limit, now, 20, 200ms, Outcome::Dropped);
  EXPECT_LT(limit.limit(), 20U);
}

TEST(ConcurrencyLimit, FastServicesDoNotShedForJitter) {
  ConcurrencyLimit limit({.initial = 100, .min = 10, .max = 100, .negligible = 2ms});
  TimePoint now = kStart;
  load(limit, now, 2000, 50us);
  load(limit, now, 500, 1ms);
  EXPECT_EQ(limit.limit(), 100U);
}

TEST(ConcurrencyLimit, AnIdleServiceKeepsItsLimit) {
  ConcurrencyLimit limit({.initial = 100, .min = 10});
  TimePoint now = kStart;
  for (int i = 0; i < 1000; ++i) {
    auto permit = limit.acquire(now);
    ASSERT_TRUE(permit);
    now += i % 2 ? 1s : 3ms;
    limit.release(*std::move(permit), now, Outcome::Done);
  }
  EXPECT_EQ(limit.limit(), 100U);
}

TEST(ConcurrencyLimit, StreamsSayNothing) {
  ConcurrencyLimit limit({.initial = 100, .min = 10});
  TimePoint now = kStart;
  load(limit, now, 100, 60s, Outcome::Ignored);
  EXPECT_EQ(limit.limit(), 100U);
  EXPECT_EQ(limit.in_flight(), 0U);
}

}  // namespace
}  // namespace yun::resilience
