#pragma once
// What C++26 will know by itself: the names and fields of a plain struct, the names of an enum, the name of a type. No macro.
//
//     struct User { std::string id, name; };
//     reflect::names<User>()                                     // {"id", "name"}
//     reflect::for_each(user, [](std::string_view name, auto& field) { ... });
//     reflect::enum_name(Code::NotFound)                         // "not_found"
//
// A struct is plain if it is an aggregate without bases, C arrays or reference members, with at most 48 fields. A field called
// like a C++ keyword takes a trailing underscore (`default_`), which is not part of its name here.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "yun/json/tie.hpp"

namespace yun::json::reflect {

template <typename T>
concept Aggregate = std::is_class_v<T> && std::is_aggregate_v<T> && !std::is_empty_v<T>;

/// The fields' names in the order of their declaration.
template <typename T>
constexpr auto names();

/// Calls f(name, field) for each field of `t`, which may be const.
template <typename T, typename F>
constexpr void for_each(T& t, F&& f);

/// "User" for shop::User, "Page_User" for Page<shop::User>; lives for ever.
template <typename T>
std::string_view type_name();

/// "NotFound", "HTTPServer", "kIdle", "NOT_FOUND" -> "not_found", "http_server", "idle", "not_found".
std::string to_snake_case(std::string_view name);

/// The values of an enum that are looked for; specialise it for an enum that goes further.
template <typename E>
struct EnumRange {
  static constexpr int kLowest = -1;
  static constexpr int kHighest = 64;
};

/// The enumerators found in EnumRange, by rising value, in snake_case.
struct EnumTable {
  struct Entry {
    std::int64_t value;
    std::string name;
  };
  std::vector<Entry> entries;

  /// "" for a value that has no name.
  std::string_view name(std::int64_t value) const;
  const Entry* find(std::string_view name) const;
};

/// The table of an enum with a fixed underlying type (each `enum class` has one); lives for ever.
template <typename E>
const EnumTable& enum_table();
/// "" for a value that has no name.
template <typename E>
std::string_view enum_name(E value) {
  return enum_table<E>().name(static_cast<std::int64_t>(value));
}

namespace detail {

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

template <typename T>
struct Wrapper {
  T value;
};
/// Never defined: only the addresses of its fields are named, as template arguments.
template <typename T>
extern const Wrapper<T> kExternal;

/// Room for a T that is never made: the offsets of its fields are measured on it.
template <typename T>
union Blank {
  char nothing;
  T value;
  constexpr Blank() : nothing(0) {}
  ~Blank() {}
};
template <typename T>
inline const Blank<T> kBlank;

// These return const char*, as a class type's name would be part of the text that is read.
template <auto Pointer>
consteval const char* pretty_field() {
  return __PRETTY_FUNCTION__;
}
template <typename T>
consteval const char* pretty_type() {
  return __PRETTY_FUNCTION__;
}
template <auto... Values>
consteval const char* pretty_values() {
  return __PRETTY_FUNCTION__;
}

constexpr bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The last identifier in "... [with auto Pointer = (& kExternal<User>.Wrapper<User>::value.User::name)]".
constexpr std::string_view last_word(std::string_view text) {
  while (!text.empty() && !is_word(text.back())) text.remove_suffix(1);
  std::size_t begin = text.size();
  while (begin > 0 && is_word(text[begin - 1])) --begin;
  text.remove_prefix(begin);
  if (text.size() > 1 && text.back() == '_') text.remove_suffix(1);
  return text;
}

template <typename T>
constexpr auto pointers(const T& t) {
  return with_fields(t, [](const auto&... field) { return std::make_tuple(&field...); });
}

template <typename T, std::size_t... I>
consteval auto find_names(std::index_sequence<I...>) {
  return std::array<std::string_view, sizeof...(I)>{
      last_word(pretty_field<std::get<I>(pointers(kExternal<std::remove_cv_t<T>>.value))>())...};
}

#ifdef __clang__
#pragma clang diagnostic pop
#endif

template <typename T>
inline constexpr auto kNames = find_names<T>(std::make_index_sequence<kFieldCount<T>>());

std::string clean_type_name(std::string_view pretty);
std::vector<EnumTable::Entry> read_enumerators(std::string_view pretty, std::int64_t lowest);

template <typename E, int Lowest, std::size_t... I>
consteval const char* pretty_enum(std::index_sequence<I...>) {
  return pretty_values<static_cast<E>(Lowest + static_cast<int>(I))...>();
}

/// From `lowest` up, but not below what the underlying type can hold.
template <typename E>
consteval int lowest_value() {
  return std::is_unsigned_v<std::underlying_type_t<E>> && EnumRange<E>::kLowest < 0 ? 0 : EnumRange<E>::kLowest;
}

}  // namespace detail

template <typename T>
constexpr auto names() {
  return detail::kNames<std::remove_cv_t<T>>;
}

template <typename T, typename F>
constexpr void for_each(T& t, F&& f) {
  detail::with_fields(t, [&f](auto&... field) {
    std::size_t i = 0;
    (f(detail::kNames<std::remove_cv_t<T>>[i++], field), ...);
  });
}

template <typename T>
std::string_view type_name() {
  static const std::string name = detail::clean_type_name(detail::pretty_type<std::remove_cv_t<T>>());
  return name;
}

template <typename E>
const EnumTable& enum_table() {
  using Range = EnumRange<E>;
  constexpr int lowest = detail::lowest_value<E>();
  static const EnumTable table{detail::read_enumerators(
      detail::pretty_enum<E, lowest>(std::make_index_sequence<static_cast<std::size_t>(Range::kHighest - lowest + 1)>()), lowest)};
  return table;
}

}  // namespace yun::json::reflect
