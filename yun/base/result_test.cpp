#include "yun/base/result.hpp"

#include <gtest/gtest.h>

#include <coroutine>
#include <memory>
#include <optional>

namespace yun {
namespace {

Result<int> positive(int value) {
  if (value <= 0) return invalid_argument("not positive");
  return value;
}

Result<int> doubled(int value) {
  YUN_GET(number, positive(value));
  return number * 2;
}

/// The smallest coroutine that can show what YUN_TRY and YUN_CHECK do.
template <typename T>
struct Eager {
  struct promise_type {
    std::optional<T> value;
    Eager get_return_object() { return Eager{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    template <typename U>
    void return_value(U&& given) {
      value.emplace(std::forward<U>(given));
    }
    void unhandled_exception() { std::abort(); }
  };
  std::coroutine_handle<promise_type> handle;
  T take() {
    T value = std::move(*handle.promise().value);
    handle.destroy();
    return value;
  }
};

Eager<Result<int>> tried(int value) {
  YUN_TRY(number, positive(value));
  co_return number + 1;
}

Eager<Result<int>> checked(Result<void> outcome) {
  YUN_CHECK(outcome);
  co_return 7;
}

TEST(Result, GetHandsOnValueOrError) {
  EXPECT_EQ(*doubled(4), 8);
  EXPECT_EQ(doubled(-1).error().code(), Code::InvalidArgument);
}

TEST(Result, TryInACoroutineReturnsTheError) {
  EXPECT_EQ(*tried(1).take(), 2);
  EXPECT_EQ(tried(0).take().error().message(), "not positive");
}

TEST(Result, CheckInACoroutineReturnsTheError) {
  EXPECT_EQ(*checked({}).take(), 7);
  EXPECT_EQ(checked(not_found("gone")).take().error().code(), Code::NotFound);
}

TEST(Result, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> value = *std::move(result);
  EXPECT_EQ(*value, 3);
}

TEST(Result, ValueOrFallsBack) {
  EXPECT_EQ(positive(-2).value_or(9), 9);
  EXPECT_EQ(positive(2).value_or(9), 2);
}

TEST(Result, ConvertsLikeItsValue) {
  const Result<std::string> text = "abc";
  EXPECT_EQ(*text, "abc");
  static_assert(is_result<Result<int>> && !is_result<int>);
}

}  // namespace
}  // namespace yun
