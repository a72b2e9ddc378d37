#include "yun/observe/ticks.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace yun::observe {
namespace {

using namespace std::chrono_literals;

TEST(Ticks, AreAsLongAsTheClockSays) {
  const auto outer = ticks::now();
  const auto begin = Clock::now();
  const auto inner = ticks::now();
  while (Clock::now() - begin < 20ms) std::this_thread::yield();
  const Duration within = ticks::since(inner);
  const Duration steady = Clock::now() - begin;
  EXPECT_LE(within, steady * 1001 / 1000);
  EXPECT_GE(ticks::since(outer), steady * 999 / 1000);
}

TEST(Ticks, NeverRunBackwards) {
  const auto begin = ticks::now();
  const auto end = ticks::now();
  EXPECT_GE(ticks::between(begin, end), Duration::zero());
  EXPECT_EQ(ticks::between(end + 1000, begin), Duration::zero());
}

TEST(Ticks, TellTheWallClockOfThen) {
  const Time before = now();
  const auto tick = ticks::now();
  const Time after = now();
  for (int i = 0; i < 2; ++i) {
    const Time wall = ticks::wall(tick);
    EXPECT_GE(wall, before - 50us);
    EXPECT_LE(wall, after + 50us);
    const auto begin = Clock::now();
    while (Clock::now() - begin < 5ms) std::this_thread::yield();
  }
}

TEST(Ticks, OfAnotherThreadMeanTheSame) {
  std::uint64_t tick = 0;
  const auto before = ticks::now();
  std::thread([&] { tick = ticks::now(); }).join();
  EXPECT_GE(tick, before);
  EXPECT_LE(tick, ticks::now());
  EXPECT_NEAR(static_cast<double>((ticks::wall(tick) - now()).count()), 0, 5e6);
}

}  // namespace
}  // namespace yun::observe
