#include "yun/app/readiness.hpp"

#include <gtest/gtest.h>

#include "yun/runtime/threads.hpp"
#include "yun/runtime/wait.hpp"

using namespace std::chrono_literals;
using namespace yun;
using app::Readiness;

namespace {

/// What came to be, in order.
struct Story {
  Readiness readiness;
  runtime::Event ready;
  int times = 0;
  int asked = 0;
  void on_ready() {
    ++times;
    ready.set();
  }
};

Task<void> follow(Context& ctx, Story& story, Duration timeout) {
  co_await story.readiness.run(ctx, timeout, [&story] { story.on_ready(); });
}

Task<void> with_nothing_to_wait_for(Story& story) {
  Context ctx;
  co_await follow(ctx, story, 1h);
}

Task<void> with_two_parts(Story& story, std::string& keys, std::string& methods, std::vector<int>& times) {
  Context ctx;
  runtime::Scope scope;
  story.readiness.add("keys", [&] { return keys; });
  story.readiness.add("methods", [&] {
    ++story.asked;
    return methods;
  });
  scope.spawn(follow(ctx, story, 1h));
  while (story.asked < 2) (void)co_await runtime::yield_now();
  times.push_back(story.times);
  methods.clear();
  while (!story.readiness.checks()[1].missing.empty()) (void)co_await runtime::yield_now();
  times.push_back(story.times);
  methods = "gone again";  // nobody asks any more
  keys.clear();
  co_await scope.join();
  times.push_back(story.times);
}

Task<std::string> with_a_part_that_never_comes(Story& story, std::string& keys) {
  Context ctx;
  runtime::Scope scope;
  story.readiness.add("keys", [&] { return keys; });
  scope.spawn(follow(ctx, story, 20ms));
  (void)co_await story.ready.wait(ctx);
  const auto checks = story.readiness.checks();
  ctx.cancel();
  co_await scope.join();
  co_return checks[0].name + ": " + checks[0].missing;
}

Task<void> with_an_early_end(Story& story) {
  Context ctx;
  runtime::Scope scope;
  story.readiness.add("keys", [] { return std::string("all"); });
  scope.spawn(follow(ctx, story, 1h));
  ctx.cancel();
  co_await scope.join();
}

}  // namespace

TEST(Readiness, NothingToWaitForIsReadyAtOnce) {
  Story story;
  runtime::block_on(with_nothing_to_wait_for(story));
  EXPECT_EQ(story.times, 1);
}

TEST(Readiness, WaitsForEveryPartAndNeverAsksAgainWhatWasThere) {
  Story story;
  std::string keys = "of main", methods = "of users";
  std::vector<int> times;
  runtime::block_on(with_two_parts(story, keys, methods, times));
  EXPECT_EQ(times, (std::vector<int>{0, 0, 1}));
}

TEST(Readiness, ComesAfterItsTimeoutAnywayAndTellsWhatIsMissing) {
  Story story;
  std::string keys = "of main";
  EXPECT_EQ(runtime::block_on(with_a_part_that_never_comes(story, keys)), "keys: of main");
  EXPECT_EQ(story.times, 1);
}

TEST(Readiness, NeverComesOnceThePartIsOver) {
  Story story;
  runtime::block_on(with_an_early_end(story));
  EXPECT_EQ(story.times, 0);
}
