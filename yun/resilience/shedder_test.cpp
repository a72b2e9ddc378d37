#include "yun/resilience/shedder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

using namespace std::chrono_literals;

namespace yun::resilience {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// A loop in virtual time: each turn takes what has arrived, in order; a request costs `cost`, a refusal 15 us, a turn 5 us.
class VirtualLoop {
 public:
  explicit VirtualLoop(LoadShedderOptions options = {}) : shedder(options) {}

  struct Load {
    double rate;  ///< requests a second
    std::function<Duration()> cost;
    Duration time = 30s;
    bool paced = false;
  };
  struct Seen {
    double goodput = 0;  ///< of the time, as work done for requests that were served
    double shed = 0;     ///< of the requests
    std::vector<Duration> latencies;
    Duration quantile(double q) { return latencies[static_cast<std::size_t>(q * static_cast<double>(latencies.size()))]; }
  };

  Seen run(const Load& load) {
    Seen seen;
    const TimePoint from = now;
    std::exponential_distribution<double> gap(load.rate);
    TimePoint next = now;
    auto arrive = [&] { next += Duration(static_cast<std::int64_t>(1e9 * (load.paced ? 1 / load.rate : gap(random)))); };
    std::vector<TimePoint> queue;
    std::size_t asked = 0, refused = 0;
    Duration work{}, before{};
    arrive();
    while (next < from + load.time || !queue.empty()) {
      for (; next <= now && next < from + load.time; arrive()) queue.push_back(next);
      if (queue.empty()) {
        if (next >= from + load.time) break;
        now = next + 5us;
        before = {};
        continue;
      }
      const LoadShedder::Turn turn{now, before, busy};
      std::vector<TimePoint> batch;
      batch.swap(queue);
      for (const TimePoint arrived : batch) {
        ++asked;
        if (shedder.admit(now, turn)) {
          const Duration cost = load.cost();
          now += cost;
          work += cost;
          seen.latencies.push_back(now - arrived);
        } else {
          ++refused;
          now += 15us;
        }
      }
      now += 5us;
      before = now - turn.began;
      busy += before;
    }
    std::ranges::sort(seen.latencies);
    seen.goodput = seconds(work) / seconds(now - from);
    seen.shed = static_cast<double>(refused) / static_cast<double>(asked);
    return seen;
  }

  LoadShedder shedder;
  std::mt19937_64 random{7};
  TimePoint now{1000s};
  Duration busy{};
};

std::function<Duration()> always(Duration cost) {
  return [cost] { return cost; };
}

TEST(LoadShedder, BelowCapacityNothingIsRefused) {
  for (const Duration cost : {Duration(20us), Duration(200us), Duration(1ms), Duration(10ms)}) {
    VirtualLoop loop;
    EXPECT_EQ(loop.run({.rate = 0.5 / seconds(cost), .cost = always(cost)}).shed, 0) << cost.count();
    EXPECT_EQ(loop.run({.rate = 0.9 / seconds(cost), .cost = always(cost)}).shed, 0) << cost.count();
  }
}

TEST(LoadShedder, AtTwiceTheCapacityWorkGoesOnAndThoseTakenDoNotWait) {
  for (const Duration cost : {Duration(270us), Duration(500us), Duration(1ms), Duration(4ms)}) {
    for (const bool paced : {false, true}) {
      VirtualLoop loop;
      auto before = loop.run({.rate = 0.5 / seconds(cost), .cost = always(cost), .time = 10s});
      auto seen = loop.run({.rate = 2 / seconds(cost), .cost = always(cost), .paced = paced});
      EXPECT_GE(seen.goodput, 0.9) << cost.count() << " ns, paced " << paced;
      EXPECT_NEAR(seen.shed, 0.5, 0.08) << cost.count() << " ns, paced " << paced;
      if (cost <= 1ms) {  // of slower ones so few are served that those of the overload's beginning are more than 1 %
        EXPECT_LE(seen.quantile(0.99), 2 * before.quantile(0.99)) << cost.count() << " ns, paced " << paced;
      }
      EXPECT_LE(seen.quantile(0.9), 5 * cost) << cost.count() << " ns, paced " << paced;
      EXPECT_LE(seen.quantile(0.9999), 500ms) << cost.count() << " ns, paced " << paced;
    }
  }
}

TEST(LoadShedder, OfHalfAMinuteAtTwiceTheCapacityLessThanOnePercentIsServedLate) {
  for (const Duration cost : {Duration(270us), Duration(1ms)}) {
    for (const bool paced : {false, true}) {
      VirtualLoop loop;
      const auto seen = loop.run({.rate = 2 / seconds(cost), .cost = always(cost), .paced = paced});
      const auto late = std::ranges::count_if(seen.latencies, [&](Duration latency) { return latency > 10 * cost; });
      EXPECT_LE(static_cast<double>(late), 0.009 * static_cast<double>(seen.latencies.size())) << cost.count() << " ns, paced " << paced;
    }
  }
}

TEST(LoadShedder, ASlightOverloadCostsLittleGoodput) {
  for (const double load : {1.05, 1.2, 1.5}) {
    VirtualLoop loop;
    auto seen = loop.run({.rate = load * 1000, .cost = always(1ms)});
    EXPECT_GE(seen.goodput, 0.92) << load;
    EXPECT_LE(seen.quantile(0.99), 200ms) << load;
  }
}

TEST(LoadShedder, MixedCostsAreServedToo) {
  VirtualLoop loop;
  auto mixed = [&] { return loop.random() % 20 == 0 ? Duration(10ms) : Duration(526us); };
  EXPECT_LE(loop.run({.rate = 800, .cost = mixed}).shed, 0.001);
  EXPECT_GE(loop.run({.rate = 2000, .cost = mixed}).goodput, 0.9);
}

TEST(LoadShedder, CheapRequestsAreNeverRefused) {
  VirtualLoop loop;
  auto seen = loop.run({.rate = 100'000, .cost = always(20us), .time = 2s});
  EXPECT_EQ(seen.shed, 0);
  EXPECT_FALSE(loop.shedder.overloaded());
}

TEST(LoadShedder, RefusalsTakeABoundedShareOfTheTime) {
  VirtualLoop loop;
  auto seen = loop.run({.rate = 100'000, .cost = always(1ms), .time = 10s});
  EXPECT_GE(seen.goodput, 0.7);
}

TEST(LoadShedder, EndsSoonAfterTheOverload) {
  VirtualLoop loop;
  (void)loop.run({.rate = 2000, .cost = always(1ms), .time = 5s});
  EXPECT_TRUE(loop.shedder.overloaded());
  (void)loop.run({.rate = 500, .cost = always(1ms), .time = 300ms});
  EXPECT_FALSE(loop.shedder.overloaded());
  EXPECT_EQ(loop.run({.rate = 900, .cost = always(1ms), .time = 10s}).shed, 0);
}

TEST(LoadShedder, ABurstIsServedToItsEnd) {
  LoadShedder shedder;
  TimePoint now(1000s);
  Duration busy{};
  for (int round = 0; round < 10; ++round) {  // 150 requests of 1 ms each at once, once a second
    const LoadShedder::Turn turn{now, 0ms, busy};
    const TimePoint began = now;
    for (int i = 0; i < 150; ++i) {
      EXPECT_TRUE(shedder.admit(now, turn)) << round << " " << i;
      now += 1ms;
    }
    busy += now - began;
    now = began + 1s;
  }
}

TEST(LoadShedder, OneRequestThatBlocksTheLoopIsNoOverload) {
  LoadShedder shedder;
  TimePoint now(1000s);
  Duration busy{}, before{};
  for (int i = 0; i < 1000; ++i) {
    const LoadShedder::Turn turn{now, before, busy};
    const int count = before > 100ms ? 20 : 1;  // those that came meanwhile
    for (int j = 0; j < count; ++j) {
      EXPECT_TRUE(shedder.admit(now, turn)) << i;
      now += 500us;
    }
    if (i % 100 == 99) now += 400ms;
    busy += now - turn.began;
    before = i % 100 == 99 ? now - turn.began : 0ms;
    if (i % 100 != 99) now += 4ms;
  }
}

TEST(LoadShedder, ThousandsThatWaitAreNoLoad) {
  LoadShedder shedder;
  TimePoint now(1000s);
  Duration busy{}, before{};
  for (int round = 0; round < 20; ++round) {  // 10,000 at once: each costs 15 us to begin, waits 100 ms, and comes again
    const LoadShedder::Turn turn{now, before, busy};
    for (int i = 0; i < 10'000; ++i) {
      EXPECT_TRUE(shedder.admit(now, turn));
      now += 15us;
    }
    before = now - turn.began;
    busy += before;
  }
  EXPECT_GT(shedder.cost(), 0ns);
}

}  // namespace
}  // namespace yun::resilience
