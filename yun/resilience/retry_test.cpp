#include "yun/resilience/retry.hpp"

#include <gtest/gtest.h>

#include "yun/resilience/deadline.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;

namespace yun::resilience {
namespace {

const TimePoint kStart = TimePoint(1000s);

double highest() { return 1.0; }
double lowest() { return 0.0; }

Error down() { return unavailable("down"); }

TEST(Backoff, PausesDoubleUpToTheirHighest) {
  Backoff backoff({.max_attempts = 6, .base = 50ms, .max_pause = 300ms, .random = &highest});
  std::vector<Duration> pauses;
  while (auto pause = backoff.next(down(), Duration::max())) pauses.push_back(*pause);
  EXPECT_EQ(pauses, (std::vector<Duration>{50ms, 100ms, 200ms, 300ms, 300ms}));
}

TEST(Backoff, JitterGoesDownToNothing) {
  Backoff backoff({.random = &lowest});
  EXPECT_EQ(backoff.next(down(), Duration::max()), Duration(0));
}

TEST(Backoff, WaitsAsLongAsTheServerAsksButNotForEver) {
  Backoff backoff({.max_attempts = 10, .max_retry_after = 5s, .random = &lowest});
  EXPECT_EQ(backoff.next(down().with_retry_after(3s), Duration::max()), Duration(3s));
  EXPECT_EQ(backoff.next(down().with_retry_after(6s), Duration::max()), std::nullopt);
}

TEST(Backoff, DoesNotPausePastTheDeadline) {
  Backoff backoff({.base = 100ms, .random = &highest});
  EXPECT_EQ(backoff.next(down(), 100ms), std::nullopt);
  EXPECT_EQ(backoff.next(down(), 101ms), Duration(100ms));
}

TEST(Backoff, OnlyWhatMayHelpIsRetried) {
  Backoff backoff({.max_attempts = 100});
  for (Error error : {not_found("x"), already_exists("x"), internal_error("x"), deadline_exceeded("x"), resource_exhausted("x")}) {
    EXPECT_EQ(backoff.next(error, Duration::max()), std::nullopt) << error.to_string();
  }
  EXPECT_TRUE(backoff.next(resource_exhausted("x").with_retry_after(1ms), Duration::max()));
}

TEST(RetryBudget, HoldsRetriesToAShareOfTraffic) {
  RetryBudget budget({.share = 0.2, .min_per_second = 0});
  for (int i = 0; i < 1000; ++i) budget.on_call(kStart);
  int allowed = 0;
  while (budget.take(kStart)) ++allowed;
  EXPECT_EQ(allowed, 200);
}

TEST(RetryBudget, AllowsAFewWithoutTrafficAndForgetsAfterTenSeconds) {
  RetryBudget budget({.share = 0.2, .min_per_second = 3});
  int allowed = 0;
  while (budget.take(kStart)) ++allowed;
  EXPECT_EQ(allowed, 30);
  EXPECT_FALSE(budget.take(kStart + 5s));
  EXPECT_TRUE(budget.take(kStart + 11s));
}

struct Server {
  int failures = 0;
  int calls = 0;
  Task<Result<int>> call(Context&, unsigned) {
    if (++calls <= failures) co_return unavailable("down");
    co_return calls;
  }
};

Task<Result<int>> call_with_retry(Server& server, RetryOptions options, RetryBudget* budget) {
  Context ctx;
  auto attempt = [&server](Context& inner, unsigned number) { return server.call(inner, number); };
  auto calling = retry(ctx, options, budget, attempt);
  co_return co_await std::move(calling);
}

TEST(Retry, GivesTheFirstSuccess) {
  Server server{.failures = 2};
  auto result = runtime::block_on(call_with_retry(server, {.max_attempts = 3, .random = &lowest}, nullptr));
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 3);
}

TEST(Retry, GivesTheLastErrorWhenAttemptsAreUsedUp) {
  Server server{.failures = 100};
  auto result = runtime::block_on(call_with_retry(server, {.max_attempts = 3, .random = &lowest}, nullptr));
  EXPECT_EQ(result.error().code(), Code::Unavailable);
  EXPECT_EQ(server.calls, 3);
}

TEST(Retry, AnEmptyBudgetMeansOneAttempt) {
  Server server{.failures = 100};
  RetryBudget budget({.share = 0, .min_per_second = 0});
  auto result = runtime::block_on(call_with_retry(server, {.max_attempts = 5, .random = &lowest}, &budget));
  EXPECT_FALSE(result);
  EXPECT_EQ(server.calls, 1);
}

Task<Result<void>> wait_for_ever(Context& ctx) {
  runtime::Event never;
  YUN_CHECK(co_await never.wait(ctx));
  co_return Result<void>();
}

Task<Result<void>> limited() {
  Context ctx;
  auto waiting = with_timeout(ctx, 1ms, [](Context& child) { return wait_for_ever(child); });
  auto result = co_await std::move(waiting);
  EXPECT_FALSE(ctx.done());
  co_return result;
}

TEST(WithTimeout, EndsWhatIsBelowItAndNothingAbove) {
  EXPECT_EQ(runtime::block_on(limited()).error().code(), Code::DeadlineExceeded);
}

}  // namespace
}  // namespace yun::resilience
