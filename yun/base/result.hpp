#pragma once
// Result<T>: a value or an Error; ignoring one is a compile error (under -Werror).
//
//     yun::Result<User> find(std::string_view id) {
//       if (id.empty()) return yun::not_found("no such user");
//       return User{...};
//     }
//
// In a coroutine:  YUN_TRY(user, co_await store.find(ctx, id));   // `user` is the value; an error is co_returned
//                  YUN_CHECK(co_await store.save(ctx, user));     // for Result<void>
// In a function:   YUN_GET(port, parse_port(text));

#include <expected>
#include <type_traits>
#include <utility>

#include "yun/base/error.hpp"

namespace yun {

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result() requires std::is_default_constructible_v<T> : inner_(std::in_place) {}
  Result(Error error) : inner_(std::unexpect, std::move(error)) {}
  template <typename U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Result> && !std::is_same_v<std::remove_cvref_t<U>, Error>)
  explicit(!std::is_convertible_v<U&&, T>) Result(U&& value) : inner_(std::in_place, std::forward<U>(value)) {}

  bool ok() const noexcept { return inner_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }

  /// Only after ok() was seen true.
  T& operator*() & { return *inner_; }
  const T& operator*() const& { return *inner_; }
  T&& operator*() && { return *std::move(inner_); }
  T* operator->() { return &*inner_; }
  const T* operator->() const { return &*inner_; }
  template <typename U>
  T value_or(U&& fallback) && {
    return ok() ? T(*std::move(inner_)) : T(std::forward<U>(fallback));
  }

  /// Only after ok() was seen false.
  const Error& error() const& { return inner_.error(); }
  Error& error() & { return inner_.error(); }
  Error error() && { return std::move(inner_.error()); }

 private:
  std::expected<T, Error> inner_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : inner_(std::unexpect, std::move(error)) {}

  bool ok() const noexcept { return inner_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  void operator*() const {}
  const Error& error() const& { return inner_.error(); }
  Error& error() & { return inner_.error(); }
  Error error() && { return std::move(inner_.error()); }

 private:
  std::expected<void, Error> inner_;
};

template <typename T>
inline constexpr bool is_result = false;
template <typename T>
inline constexpr bool is_result<Result<T>> = true;

}  // namespace yun

// One statement each, named variables only: statement expressions around co_await are miscompiled by g++ 12.
#define YUN_TRY(name, ...)                                        \
  auto name##_result = __VA_ARGS__;                               \
  if (!name##_result) co_return std::move(name##_result).error(); \
  auto& name = *name##_result
#define YUN_CHECK(...)                                                               \
  do {                                                                               \
    auto yun_check_result = __VA_ARGS__;                                             \
    if (!yun_check_result) co_return std::move(yun_check_result).error();            \
  } while (false)
#define YUN_GET(name, ...)                                     \
  auto name##_result = __VA_ARGS__;                            \
  if (!name##_result) return std::move(name##_result).error(); \
  auto& name = *name##_result
