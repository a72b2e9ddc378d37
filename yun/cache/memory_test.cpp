#include "yun/cache/memory.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "yun/cache/conformance.hpp"

using namespace std::chrono_literals;

namespace yun::cache {
namespace conformance {
namespace {
Result<Cache> open_here() { return open("memory://?max=1MiB"); }
INSTANTIATE_TEST_SUITE_P(Memory, Conformance, testing::Values(&open_here));
}  // namespace
}  // namespace conformance

namespace {

TimePoint virtual_now;
TimePoint read_virtual() { return virtual_now; }

struct User {
  std::string id;
  std::int64_t age = 0;
  bool operator==(const User&) const = default;
};

class CacheTest : public testing::Test {
 protected:
  CacheTest() {
    virtual_now = TimePoint(1000s);
    reopen({});
  }
  void reopen(CacheOptions options, const std::string& url = "memory://?max=1MiB") {
    options.clock = &read_virtual;
    cache_ = *open(url, options);
  }
  template <typename T>
  static T wait(Task<T> task) {
    return runtime::block_on(std::move(task));
  }
  Context ctx_;
  Cache cache_;
};

TEST_F(CacheTest, AnEntryExpiresAtTheLatestAfterItsTimeToLive) {
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", "x", 100s)));
  virtual_now += 89s;
  EXPECT_TRUE(wait(cache_.get(ctx_, "key"))->has_value());
  virtual_now += 11s;
  EXPECT_FALSE(wait(cache_.get(ctx_, "key"))->has_value());
  EXPECT_EQ(cache_.stats().entries, 0U);
}

TEST_F(CacheTest, JitterSpreadsWhatWasStoredTogether) {
  reopen({.ttl_jitter = 0.5});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(wait(cache_.set(ctx_, "key" + std::to_string(i), "x", 100s)));
  virtual_now += 75s;
  int alive = 0;
  for (int i = 0; i < 200; ++i) alive += wait(cache_.get(ctx_, "key" + std::to_string(i)))->has_value();
  EXPECT_GT(alive, 40);
  EXPECT_LT(alive, 160);
}

TEST_F(CacheTest, StaysWithinItsBytesAndForgetsTheLeastUsed) {
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(wait(cache_.set(ctx_, "key" + std::to_string(i), std::string(1000, 'x'), 1h)));
    ASSERT_TRUE(wait(cache_.set(ctx_, "hot", "kept", 1h)));
  }
  const Stats stats = cache_.stats();
  EXPECT_LE(stats.bytes, 1_MiB);
  EXPECT_GT(stats.bytes, 900'000U);
  EXPECT_GT(stats.evictions, 8'000U);
  EXPECT_EQ(*wait(cache_.get(ctx_, "hot")), "kept");
}

TEST_F(CacheTest, WhatCanNeverFitIsRefusedAndThrowsNothingOut) {
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", "x", 1h)));
  EXPECT_EQ(wait(cache_.set(ctx_, "big", std::string(1_MiB, 'x'), 1h)).error().code(), Code::ResourceExhausted);
  EXPECT_EQ(*wait(cache_.get(ctx_, "key")), "x");
}

TEST_F(CacheTest, StructsComeBackAndAChangedTypeIsAMiss) {
  const User user{.id = "42", .age = 7};
  ASSERT_TRUE(wait(cache_.set(ctx_, "user", user, 1h)));
  EXPECT_EQ(*wait(cache_.get<User>(ctx_, "user")), user);
  EXPECT_EQ(*wait(cache_.get<std::vector<int>>(ctx_, "user")), std::nullopt);
}

TEST_F(CacheTest, UrlsThatAreWrongAreErrors) {
  for (const char* url : {"memory", "memory://?min=1", "memory://?max=x", "memory://?max=1KiB", "memory://host", "what://"}) {
    auto opened = open(url);
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().code(), Code::InvalidArgument) << url;
  }
}

/// A loader that counts, and holds its answer back until told.
struct Source {
  int loads = 0;
  runtime::Event go;
  Result<User> answer = User{.id = "42", .age = 7};

  Task<Result<User>> load(Context& ctx) {
    ++loads;
    YUN_CHECK(co_await go.wait(ctx));
    co_return answer;
  }
  auto loader() {
    return [this](Context& ctx) { return load(ctx); };
  }
};

Task<void> ask(Cache cache, Context& ctx, Source& source, std::vector<Result<User>>& answers) {
  auto asking = cache.get_or_load<User>(ctx, "user:42", 1h, source.loader());
  answers.push_back(co_await std::move(asking));
}

Task<Result<void>> ask_many(Cache cache, Source& source, std::vector<Result<User>>& answers, int count) {
  Context ctx;
  runtime::Scope scope;
  for (int i = 0; i < count; ++i) scope.spawn(ask(cache, ctx, source, answers));
  source.go.set();
  auto joining = scope.join();
  (void)co_await std::move(joining);  // gives nothing
  co_return Result<void>();
}

TEST_F(CacheTest, OneLoadServesAllWhoWait) {
  Source source;
  std::vector<Result<User>> answers;
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 100)));
  EXPECT_EQ(source.loads, 1);
  ASSERT_EQ(answers.size(), 100U);
  for (const auto& answer : answers) EXPECT_EQ(answer->id, "42");
}

TEST_F(CacheTest, WhatWasLoadedIsServedFromThenOn) {
  Source source;
  std::vector<Result<User>> answers;
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 1)));
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 1)));
  EXPECT_EQ(source.loads, 1);
  virtual_now += 2h;
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 1)));
  EXPECT_EQ(source.loads, 2);
}

TEST_F(CacheTest, AbsenceIsRememberedForAShortWhile) {
  Source source;
  source.answer = not_found("no such user");
  std::vector<Result<User>> answers;
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 3)));
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 1)));
  EXPECT_EQ(source.loads, 1);
  for (const auto& answer : answers) {
    EXPECT_EQ(answer.error().code(), Code::NotFound);
    EXPECT_EQ(answer.error().message(), "no such user");
  }
  EXPECT_EQ(*wait(cache_.get<User>(ctx_, "user:42")), std::nullopt);
  virtual_now += 6s;
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 1)));
  EXPECT_EQ(source.loads, 2);
}

TEST_F(CacheTest, OtherErrorsReachAllWhoWaitAndAreForgotten) {
  Source source;
  source.answer = unavailable("down");
  std::vector<Result<User>> answers;
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 3)));
  EXPECT_EQ(source.loads, 1);
  for (const auto& answer : answers) EXPECT_EQ(answer.error().code(), Code::Unavailable);
  ASSERT_TRUE(wait(ask_many(cache_, source, answers, 1)));
  EXPECT_EQ(source.loads, 2);
}

Task<Result<void>> lose_the_leader(Cache cache, Source& source, std::vector<Result<User>>& leader, std::vector<Result<User>>& follower) {
  Context root;
  Context first(root);
  runtime::Scope scope;
  scope.spawn(ask(cache, first, source, leader));
  scope.spawn(ask(cache, root, source, follower));
  first.cancel();
  (void)co_await runtime::yield_now();
  source.go.set();
  auto joining = scope.join();
  (void)co_await std::move(joining);  // gives nothing
  co_return Result<void>();
}

TEST_F(CacheTest, WhenTheLoaderIsCancelledTheNextInLineLoads) {
  Source source;
  std::vector<Result<User>> leader;
  std::vector<Result<User>> follower;
  ASSERT_TRUE(wait(lose_the_leader(cache_, source, leader, follower)));
  EXPECT_EQ(leader.at(0).error().code(), Code::Cancelled);
  EXPECT_EQ(follower.at(0)->id, "42");
  EXPECT_EQ(source.loads, 2);
}

TEST_F(CacheTest, CountsHitsAndMisses) {
  metrics::Registry registry;
  reopen({.name = "users", .metrics = &registry});
  ASSERT_TRUE(wait(cache_.set(ctx_, "key", "x", 1h)));
  (void)wait(cache_.get(ctx_, "key"));
  (void)wait(cache_.get(ctx_, "other"));
  const std::string text = registry.render();
  EXPECT_NE(text.find("cache_requests_total{cache=\"users\",result=\"hit\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("cache_requests_total{cache=\"users\",result=\"miss\"} 1\n"), std::string::npos) << text;
}

TEST_F(CacheTest, LoopsShareTheStore) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      Context ctx;
      for (int i = 0; i < 500; ++i) {
        const std::string key = "key" + std::to_string(i % 50);
        EXPECT_TRUE(wait(cache_.set(ctx, key, "v" + std::to_string(t), 1h)));
        EXPECT_TRUE(wait(cache_.get(ctx, key))->has_value());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(cache_.stats().entries, 50U);
}

}  // namespace
}  // namespace yun::cache
