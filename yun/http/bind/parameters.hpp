#pragma once
// What a typed handler may ask for and give, beside its own types:
//
//     yun::Path<"id">                     a path parameter, percent-decoded text
//     yun::Path<"id", std::uint64_t>      the same as a number; what does not read is 422
//     yun::Query<"page", int, 1>          ?page=2, 1 if it is not there
//     yun::Query<"sort", std::string, yun::Literal("name")>
//     yun::Query<"tag", std::optional<std::string>>      absent is nullopt
//     yun::Query<"tag", std::vector<std::string>>        ?tag=a&tag=b, absent is empty
//     yun::Header<"idempotency-key">      required: 400 without; std::optional<T> if it may be absent
//     yun::Json<Order>                    the body: 415 if it is not JSON, 400 if unparsable, 422 with all its faults
//     yun::Created<Order>                 a return type: 201 and Location
//
// Each reads like a pointer: `*page`, `order->items`. Values are the handler's own and outlive every suspension.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "yun/base/strings.hpp"

namespace yun {

/// Text as a template argument.
template <std::size_t N>
struct Literal {
  char text[N]{};
  consteval Literal(const char (&literal)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
  constexpr std::string_view view() const { return {text, N - 1}; }
  /// In lower case, for header names.
  consteval Literal lower() const {
    Literal other = *this;
    for (char& c : other.text) c = to_lower(c);
    return other;
  }
};

namespace http::detail {
/// What Path, Query, Header and Json have in common.
template <typename T>
class Held {
 public:
  using Value = T;
  T& operator*() { return value_; }
  const T& operator*() const { return value_; }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

 protected:
  T value_{};
};
}  // namespace http::detail

/// Integers, floating point, bool, enums by name, std::string and json::Text types (Time, Duration).
template <Literal Name, typename T = std::string>
class Path : public http::detail::Held<T> {
 public:
  static constexpr std::string_view kName = Name.view();
  Path() = default;
  explicit Path(T value) { this->value_ = std::move(value); }
};

template <Literal Name, typename T = std::string, auto... Default>
class Query : public http::detail::Held<T> {
 public:
  static_assert(sizeof...(Default) <= 1, "a query parameter has one default");
  static constexpr std::string_view kName = Name.view();
  static constexpr bool kHasDefault = sizeof...(Default) == 1;
  Query() { (set_default(Default), ...); }
  explicit Query(T value) { this->value_ = std::move(value); }

 private:
  template <typename D>
  void set_default(const D& value) {
    if constexpr (requires { value.view(); })
      this->value_ = T(value.view());
    else
      this->value_ = static_cast<T>(value);
  }
};

template <Literal Name, typename T = std::string>
class Header : public http::detail::Held<T> {
 public:
  static constexpr auto kLower = Name.lower();
  static constexpr std::string_view kName = kLower.view();
  Header() = default;
  explicit Header(T value) { this->value_ = std::move(value); }
};

/// The JSON body as a T (see json/read.hpp and json/validate.hpp).
template <typename T>
class Json : public http::detail::Held<T> {
 public:
  Json() = default;
  explicit Json(T value) { this->value_ = std::move(value); }
};

/// 201 with `value` as JSON and `location` as its address.
template <typename T>
struct Created {
  T value;
  std::string location;
};

}  // namespace yun
