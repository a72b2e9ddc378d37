#pragma once
// The suite every driver passes. In the driver's test:
//
//     INSTANTIATE_TEST_SUITE_P(Mine, Conformance, testing::Values(&open_empty_cache));
//
// where open_empty_cache is `yun::Result<yun::cache::Cache> ()`.

#include <gtest/gtest.h>

#include <string>

#include "yun/cache/store.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::cache::conformance {

class Conformance : public testing::TestWithParam<Result<Cache> (*)()> {
 protected:
  void SetUp() override {
    auto opened = GetParam()();
    ASSERT_TRUE(opened) << opened.error().to_string();
    cache_ = *std::move(opened);
  }
  template <typename T>
  static T wait(Task<T> task) {
    return runtime::block_on(std::move(task));
  }
  Context ctx_;
  Cache cache_;
};

TEST_P(Conformance, WhatWasSetIsThereUntilErased) {
  const std::string bytes("\0\xff any bytes", 12);
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", bytes, std::chrono::minutes(1))));
  auto found = wait(cache_.get(ctx_, "key"));
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, bytes);
  EXPECT_EQ(*wait(cache_.erase(ctx_, "key")), true);
  EXPECT_EQ(*wait(cache_.erase(ctx_, "key")), false);
  EXPECT_EQ(*wait(cache_.get(ctx_, "key")), std::nullopt);
}

TEST_P(Conformance, SettingAgainReplaces) {
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", "one", std::chrono::minutes(1))));
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", "two", std::chrono::minutes(1))));
  EXPECT_EQ(*wait(cache_.get(ctx_, "key")), "two");
}

TEST_P(Conformance, AnEmptyValueIsAValue) {
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", "", std::chrono::minutes(1))));
  EXPECT_EQ(*wait(cache_.get(ctx_, "key")), "");
}

TEST_P(Conformance, KeysAreAnyBytes) {
  const std::string key("a b\n\0?", 6);
  ASSERT_TRUE(wait(cache_.set(ctx_, key, "x", std::chrono::minutes(1))));
  EXPECT_EQ(*wait(cache_.get(ctx_, key)), "x");
  EXPECT_EQ(*wait(cache_.get(ctx_, "a b\n")), std::nullopt);
}

TEST_P(Conformance, ATimeToLiveOfNothingIsRefused) {
  EXPECT_EQ(wait(cache_.set(ctx_, "key", "x", Duration(0))).error().code(), Code::InvalidArgument);
}

TEST_P(Conformance, AnEntryIsGoneAfterItsTimeToLive) {
  ASSERT_TRUE(wait(cache_.set(ctx_, "short", "x", std::chrono::milliseconds(30))));
  ASSERT_TRUE(wait(cache_.set(ctx_, "for ever", "x", Duration::max())));
  const TimePoint until = Clock::now() + std::chrono::seconds(5);
  while (*wait(cache_.get(ctx_, "short")) && Clock::now() < until) continue;
  EXPECT_EQ(*wait(cache_.get(ctx_, "short")), std::nullopt);
  EXPECT_EQ(*wait(cache_.get(ctx_, "for ever")), "x");
}

TEST_P(Conformance, ValuesAreAsLongAsTheyAre) {
  const std::string value(40'000, 'v');
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", value, std::chrono::minutes(1))));
  EXPECT_EQ(*wait(cache_.get(ctx_, "key")), value);
}

TEST_P(Conformance, AKeyIsErasedFromAllThatWasReadOfIt) {
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", "one", std::chrono::minutes(1))));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*wait(cache_.get(ctx_, "key")), "one");
  ASSERT_TRUE(wait(cache_.erase(ctx_, "key")));
  EXPECT_EQ(*wait(cache_.get(ctx_, "key")), std::nullopt);
}

}  // namespace yun::cache::conformance
