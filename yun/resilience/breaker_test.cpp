#include "yun/resilience/breaker.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace yun::resilience {
namespace {

const TimePoint kStart = TimePoint(1000s);
const Error kDown = unavailable("down");

double always_half() { return 0.5; }

/// `calls` a second at even distances for `length`; gives how many were let through.
int drive(Breaker& breaker, TimePoint& now, Duration length, int calls_per_second, const Error* outcome) {
  const Duration step = Duration(1s) / calls_per_second;
  int passed = 0;
  for (const TimePoint end = now + length; now < end; now += step) {
    if (!breaker.allow(now)) continue;
    ++passed;
    breaker.record(now, outcome);
  }
  return passed;
}

TEST(Breaker, LetsEverythingThroughWhileTheServerIsWell) {
  Breaker breaker;
  TimePoint now = kStart;
  EXPECT_EQ(drive(breaker, now, 20s, 100, nullptr), 2000);
}

TEST(Breaker, AFewFailuresDoNotCount) {
  Breaker breaker({.random = &always_half});
  for (int i = 0; i < 5; ++i) breaker.record(kStart, &kDown);
  EXPECT_EQ(breaker.refusal(kStart), 0);
}

TEST(Breaker, ToleratesAThirdOfFailures) {
  Breaker breaker;
  for (int i = 0; i < 300; ++i) breaker.record(kStart, i % 3 == 0 ? &kDown : nullptr);
  EXPECT_EQ(breaker.refusal(kStart), 0);
}

TEST(Breaker, ADeadServerGetsATrickle) {
  Breaker breaker;
  TimePoint now = kStart;
  drive(breaker, now, 10s, 1000, &kDown);
  const int passed = drive(breaker, now, 10s, 1000, &kDown);
  EXPECT_GT(passed, 10);
  EXPECT_LT(passed, 1000);
}

TEST(Breaker, ARefusalSaysWhyAndWhenToComeBack) {
  Breaker breaker({.random = [] { return 0.0; }});
  for (int i = 0; i < 100; ++i) breaker.record(kStart, &kDown);
  EXPECT_TRUE(breaker.allow(kStart));  // the first is the probe
  auto refused = breaker.allow(kStart);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), "breaker_open");
  EXPECT_EQ(refused.error().retry_after(), 1s);
}

TEST(Breaker, AProbeGoesThroughEachSecond) {
  Breaker breaker({.random = [] { return 0.0; }});
  for (int i = 0; i < 1000; ++i) breaker.record(kStart, &kDown);
  EXPECT_TRUE(breaker.allow(kStart));
  EXPECT_FALSE(breaker.allow(kStart + 999ms));
  EXPECT_TRUE(breaker.allow(kStart + 1000ms));
}

TEST(Breaker, RecoversWithinTheWindow) {
  Breaker breaker;
  TimePoint now = kStart;
  drive(breaker, now, 10s, 1000, &kDown);
  drive(breaker, now, 11s, 1000, nullptr);
  EXPECT_EQ(drive(breaker, now, 1s, 1000, nullptr), 1000);
}

TEST(Breaker, ClientFaultsAndCancelledCallsDoNotCountAgainstTheServer) {
  Breaker breaker;
  const Error missing = not_found("x");
  const Error gone = cancelled("x");
  for (int i = 0; i < 1000; ++i) {
    breaker.record(kStart, &missing);
    breaker.record(kStart, &gone);
  }
  EXPECT_EQ(breaker.refusal(kStart), 0);
}

}  // namespace
}  // namespace yun::resilience
