#include "yun/telemetry/queue.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace yun::telemetry {
namespace {

TEST(TelemetryQueue, GivesRecordsInOrderAndNoMoreThanAsked) {
  Queue queue(10, 1000);
  EXPECT_EQ(queue.push("one"), 1u);
  EXPECT_EQ(queue.push("two"), 2u);
  EXPECT_EQ(queue.push("three"), 3u);
  std::string out;
  EXPECT_EQ(queue.take(2, out), 2u);
  EXPECT_EQ(out, "onetwo");
  EXPECT_EQ(queue.push("four"), 2u);
  out.clear();
  EXPECT_EQ(queue.take(10, out), 2u);
  EXPECT_EQ(out, "threefour");
  EXPECT_EQ(queue.take(10, out), 0u);
}

TEST(TelemetryQueue, RefusesWhatIsTooManyOrTooMuch) {
  Queue few(2, 1000);
  few.push("a");
  few.push("b");
  EXPECT_EQ(few.push("c"), 0u);
  std::string out;
  few.take(1, out);
  EXPECT_EQ(few.push("d"), 2u);
  Queue small(100, 5);
  EXPECT_EQ(small.push("1234"), 1u);
  EXPECT_EQ(small.push("56"), 0u);
  EXPECT_EQ(small.push("5"), 2u);
}

TEST(TelemetryQueue, LosesNothingUncountedBetweenThreads) {
  constexpr int kThreads = 4, kEach = 20'000;
  Queue queue(1000, 1 << 20);
  std::atomic<int> refused{0}, done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        if (queue.push("x") == 0) ++refused;
      }
      ++done;
    });
  }
  std::string out;
  std::size_t taken = 0;
  while (done < kThreads || queue.size() > 0) taken += queue.take(100, out);
  for (auto& thread : threads) thread.join();
  taken += queue.take(1000, out);
  EXPECT_EQ(taken + static_cast<std::size_t>(refused), std::size_t{kThreads} * kEach);
  EXPECT_EQ(out.size(), taken);
}

}  // namespace
}  // namespace yun::telemetry
