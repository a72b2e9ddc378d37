#include "yun/base/buffer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace yun {
namespace {

TEST(Buffer, ActsLikeAQueueOfBytes) {
  Buffer buffer;
  std::string model;
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    if (random() % 2 == 0) {
      const std::string bytes(random() % 300, static_cast<char>('a' + round % 26));
      buffer.append(bytes);
      model += bytes;
    } else if (!model.empty()) {
      const std::size_t size = random() % (model.size() + 1);
      buffer.consume(size);
      model.erase(0, size);
    }
    ASSERT_EQ(buffer.view(), model);
  }
}

TEST(Buffer, PrepareGivesAtLeastWhatWasAskedFor) {
  Buffer buffer;
  EXPECT_TRUE(buffer.view().empty());
  const auto room = buffer.prepare(100);
  ASSERT_GE(room.size(), 100u);
  std::memcpy(room.data(), "xyz", 3);
  buffer.commit(3);
  EXPECT_EQ(buffer.view(), "xyz");
}

TEST(Buffer, ReusesTheFrontInsteadOfGrowing) {
  Buffer buffer;
  buffer.append(std::string(400, 'a'));
  buffer.consume(390);
  const std::size_t before = buffer.capacity();
  buffer.append(std::string(300, 'b'));
  EXPECT_EQ(buffer.capacity(), before);
  EXPECT_EQ(buffer.view(), std::string(10, 'a') + std::string(300, 'b'));
}

TEST(Buffer, ShrinkFreesOnlyALargeEmptyOne) {
  Buffer buffer;
  buffer.append(std::string(10'000, 'a'));
  buffer.shrink(1000);
  EXPECT_EQ(buffer.size(), 10'000u);
  buffer.consume(10'000);
  buffer.shrink(100'000);
  EXPECT_GT(buffer.capacity(), 0u);
  buffer.shrink(1000);
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.append('x');
  EXPECT_EQ(buffer.view(), "x");
}

TEST(Buffer, MoveLeavesTheOtherUsable) {
  Buffer first;
  first.append("abc");
  Buffer second = std::move(first);
  EXPECT_EQ(second.view(), "abc");
}

#ifdef YUN_ADDRESS_SANITIZER
TEST(Buffer, WhatIsNotHeldIsPoisonedUnderAddressSanitizer) {
  Buffer buffer;
  buffer.append("0123456789abcdef");
  const char* const bytes = buffer.data();
  EXPECT_FALSE(__asan_address_is_poisoned(bytes + 15));
  EXPECT_TRUE(__asan_address_is_poisoned(bytes + 16)) << "behind the end";
  buffer.consume(8);
  EXPECT_TRUE(__asan_address_is_poisoned(bytes)) << "a view kept over consume()";
  EXPECT_FALSE(__asan_address_is_poisoned(bytes + 8));
  (void)buffer.prepare(4);
  EXPECT_FALSE(__asan_address_is_poisoned(bytes + 16)) << "to be written";
  buffer.clear();
  EXPECT_TRUE(__asan_address_is_poisoned(bytes + 8));
}
#endif

}  // namespace
}  // namespace yun
