#include "yun/base/ids.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>
#include <vector>

#include "yun/base/units.hpp"

namespace yun {
namespace {

TEST(Ids, AreVersionSevenUuids) {
  const std::string id = new_id();
  ASSERT_EQ(id.size(), 36u);
  for (const int dash : {8, 13, 18, 23}) EXPECT_EQ(id[dash], '-');
  EXPECT_EQ(id[14], '7');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  const std::uint64_t millis = std::stoull(id.substr(0, 8) + id.substr(9, 4), nullptr, 16);
  const auto present = std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch()).count();
  EXPECT_LT(std::abs(static_cast<long long>(millis) - present), 60'000);
}

TEST(Ids, SortByTimeOfMaking) {
  std::string before = new_id();
  for (int i = 0; i < 20'000; ++i) {
    std::string id = new_id();
    ASSERT_LT(before, id);
    before = std::move(id);
  }
}

TEST(Ids, AreUniqueAcrossThreads) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& mine : made)
    threads.emplace_back([&mine] {
      for (int i = 0; i < 5000; ++i) mine.push_back(new_id());
    });
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 20'000u);
}

TEST(Ids, AForkedChildDoesNotRepeatItsParent) {
  (void)random_u64();
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::uint64_t value = random_u64();
    const bool written = ::write(pipe_ends[1], &value, sizeof value) == sizeof value;
    ::_exit(written ? 0 : 1);
  }
  std::uint64_t theirs = 0;
  ASSERT_EQ(::read(pipe_ends[0], &theirs, sizeof theirs), static_cast<ssize_t>(sizeof theirs));
  EXPECT_NE(theirs, random_u64());
  ::waitpid(child, nullptr, 0);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

TEST(Ids, RandomUnitStaysInItsRange) {
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double value = random_unit();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.05);
}

TEST(Ids, SecureRandomHasItsSize) {
  EXPECT_EQ(secure_random(0).size(), 0u);
  EXPECT_EQ(secure_random(32).size(), 32u);
  EXPECT_NE(secure_random(32), secure_random(32));
}

TEST(Ids, TellWhenTheyWereMade) {
  const Time before = now();
  Time last{};
  for (int i = 0; i < 2000; ++i) {
    const Time made = time_of_id(new_id());
    EXPECT_GE(made, last);
    last = made;
  }
  EXPECT_GE(last, before - std::chrono::milliseconds(1));
  EXPECT_LE(last, now() + std::chrono::milliseconds(5));
  for (const char* other : {"", "7", "01a20d1e-1e69-4067-b264-9d5068cde47c", "01a20d1e-1e69-7067-b264-9d5068cde47", "zza20d1e-1e69-7067-b264-9d5068cde47c"})
    EXPECT_EQ(time_of_id(other), Time{}) << other;
}

}  // namespace
}  // namespace yun
