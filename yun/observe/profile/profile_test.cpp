#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "yun/base/sanitizers.hpp"
#include "yun/observe/profile/cpu.hpp"
#include "yun/observe/profile/heap.hpp"
#include "yun/observe/profile/symbols.hpp"

using namespace yun;
using namespace yun::observe::profile;
using namespace std::chrono_literals;

namespace {

std::int64_t total(const Profile& profile, std::string_view function, std::size_t value) {
  Symbols symbols(executable_mappings());
  std::int64_t sum = 0;
  for (const Stack& stack : profile.stacks) {
    for (const std::uintptr_t frame : stack.frames) {
      if (Symbols::demangle(symbols.name_of(frame)).find(function) == std::string::npos) continue;
      sum += stack.values[value];
      break;
    }
  }
  return sum;
}

}  // namespace

// Not in the unnamed namespace: they are looked for by name.
[[gnu::noinline]] std::uint64_t burn_cpu_for_the_profile_test(Duration cpu) {
  std::uint64_t sum = 0;
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  const auto at = [](const timespec& time) { return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec); };
  for (const auto end = at(now) + cpu; at(now) < end; ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now))
    for (std::uint64_t i = 0; i < 100'000; ++i) sum = sum * 31 + i;
  return sum;
}

[[gnu::noinline]] std::vector<std::unique_ptr<char[]>> hold_memory_for_the_profile_test(std::size_t blocks) {
  std::vector<std::unique_ptr<char[]>> held;
  for (std::size_t i = 0; i < blocks; ++i) held.push_back(std::make_unique<char[]>(64 << 10));
  return held;
}

TEST(Profile, CpuTimeOfEveryThreadIsSeenByItsFunctionsName) {
  auto profiler = CpuProfiler::start();
  ASSERT_TRUE(profiler);
  std::atomic<std::uint64_t> result{0};
  std::thread other([&] { result += burn_cpu_for_the_profile_test(300ms); });
  other.join();
  const Profile profile = profiler->stop();
  // 300 ms of CPU time are 30 samples; a tick is as coarse as the kernel's.
  EXPECT_GE(total(profile, "burn_cpu_for_the_profile_test", 0), 10) << result;
  EXPECT_EQ(profile.period, 10'000'000);
}

TEST(Profile, OneCpuProfileAtATimeAndThenTheNext) {
  {
    auto first = CpuProfiler::start();
    ASSERT_TRUE(first);
    auto second = CpuProfiler::start();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason(), "profile_running");
  }
  EXPECT_TRUE(CpuProfiler::start());
}

TEST(Profile, MemoryThatIsHeldIsSeenUntilItIsFreed) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer has its own operator new";
  HeapProfiler::enable();
  auto held = hold_memory_for_the_profile_test(512);  // 32 MiB, 64 samples or so
  const Profile with = HeapProfiler::profile();
  const auto in_use = total(with, "hold_memory_for_the_profile_test", 3);
  EXPECT_GT(in_use, 16 << 20);
  EXPECT_LT(in_use, 64 << 20);
  held.clear();
  const Profile without = HeapProfiler::profile();
  EXPECT_EQ(total(without, "hold_memory_for_the_profile_test", 3), 0);
  EXPECT_GT(total(without, "hold_memory_for_the_profile_test", 1), 16 << 20);
  EXPECT_EQ(HeapProfiler::dropped(), 0u);
}

TEST(Profile, WhatThreadsAllocateAndFreeOfEachOthersAddsUp) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer has its own operator new";
  HeapProfiler::enable();
  for (int round = 0; round < 8; ++round) {
    std::vector<std::vector<std::unique_ptr<char[]>>> held(4);
    std::vector<std::thread> threads;
    for (auto& one : held) threads.emplace_back([&one] { one = hold_memory_for_the_profile_test(128); });
    for (auto& thread : threads) thread.join();
    threads.clear();
    for (auto& one : held) threads.emplace_back([&one] { one.clear(); });
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(total(HeapProfiler::profile(), "hold_memory_for_the_profile_test", 3), 0);
}

TEST(Profile, TheMessageNamesTypesAndFunctions) {
  const Profile profile{{{"samples", "count"}}, {"cpu", "nanoseconds"}, 7, {}, 1s, {{{reinterpret_cast<std::uintptr_t>(&burn_cpu_for_the_profile_test)}, {3}}}};
  const std::string bytes = encode(profile);
  EXPECT_NE(bytes.find("nanoseconds"), std::string::npos);
  EXPECT_NE(bytes.find("burn_cpu_for_the_profile_test(std::chrono::duration"), std::string::npos);
}

TEST(Profile, AnAddressOfNothingHasNoName) {
  Symbols symbols(executable_mappings());
  EXPECT_EQ(symbols.name_of(16), "");
  EXPECT_EQ(symbols.mapping_of(16), symbols.mappings().size());
}
