#pragma once
// Value: what goes into a statement's `?` and comes out of a column. Arguments are bound by type, never written into the text.

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/base/units.hpp"

namespace yun::sql {

/// Bytes that are not text; a std::string is text.
struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

/// NULL, INTEGER, REAL, TEXT, BLOB; an unsigned only where it is above 2^63 - 1, which not every database can store.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob, std::uint64_t>;

/// "null", "integer", "real", "text", "blob".
std::string_view type_name(const Value& value);

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// What a column can be read into by itself: integers, floating point, bool, std::string, Blob, yun::Time, Value, and optional of these.
template <typename T>
concept Scalar = std::integral<T> || std::floating_point<T> || std::same_as<T, std::string> || std::same_as<T, Blob> || std::same_as<T, Time> ||
                 std::same_as<T, Value> || is_optional<T>;

/// The arguments of one statement. Takes integers, floating point, bool, text, Blob, yun::Time (stored as microseconds since the epoch),
/// optional of these, and nullptr for NULL. An argument that cannot be stored (NaN) makes check() fail.
class Args {
 public:
  Args() = default;
  template <typename... T>
  static Args of(const T&... args) {
    Args made;
    made.values_.reserve(sizeof...(args));
    (made.add(args), ...);
    return made;
  }

  template <typename T>
  void add(const T& arg);
  const std::vector<Value>& values() const { return values_; }
  std::vector<Value> take() { return std::move(values_); }
  /// InvalidArgument that names the argument by its place, counted from 1.
  Result<void> check() const { return fault_ ? Result<void>(*fault_) : Result<void>(); }

 private:
  void refuse(std::string_view why);
  std::vector<Value> values_;
  std::optional<Error> fault_;
};

/// Moves a column's value into a field. Internal error that names column, wanted and given type: a mismatch is a bug in schema or struct.
template <Scalar T>
Result<void> read_value(Value&& value, std::string_view column, T& into);

// ---- detail ----

namespace detail {
template <typename T>
inline constexpr bool kUnsupported = false;
/// "2026-11-24 10:20:30.123456", a date alone, or RFC 3339; UTC.
Result<void> read_time(std::string_view text, std::string_view column, Time& into);
Error mismatch(std::string_view column, std::string_view wanted, const Value& value);
Error out_of_range(std::string_view column, std::int64_t value);
Error out_of_range(std::string_view column, std::uint64_t value);
}  // namespace detail

template <typename T>
void Args::add(const T& arg) {
  if constexpr (std::is_same_v<T, Value> || std::is_same_v<T, Blob>) {
    values_.emplace_back(arg);
  } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::nullopt_t>) {
    values_.emplace_back(std::monostate());
  } else if constexpr (is_optional<T>) {
    if (arg) {
      add(*arg);
    } else {
      values_.emplace_back(std::monostate());
    }
  } else if constexpr (std::is_same_v<T, Time>) {
    values_.emplace_back(static_cast<std::int64_t>(arg.time_since_epoch().count()));
  } else if constexpr (std::is_integral_v<T>) {
    if (std::in_range<std::int64_t>(+arg)) {
      values_.emplace_back(static_cast<std::int64_t>(arg));
    } else {
      values_.emplace_back(static_cast<std::uint64_t>(arg));
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(arg)) refuse("is not a number");
    values_.emplace_back(static_cast<double>(arg));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    values_.emplace_back(std::string(std::string_view(arg)));
  } else {
    static_assert(detail::kUnsupported<T>, "a SQL argument is an integer, floating point, bool, text, Blob, yun::Time, or an optional of these");
  }
}

template <Scalar T>
Result<void> read_value(Value&& value, std::string_view column, T& into) {
  if constexpr (std::is_same_v<T, Value>) {
    into = std::move(value);
  } else if constexpr (is_optional<T>) {
    if (std::holds_alternative<std::monostate>(value)) {
      into.reset();
    } else {
      return read_value(std::move(value), column, into.emplace());
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number) return detail::mismatch(column, "boolean", value);
    if (*number != 0 && *number != 1) return detail::out_of_range(column, *number);
    into = *number == 1;
  } else if constexpr (std::integral<T>) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number) {
      const auto* large = std::get_if<std::uint64_t>(&value);
      if (!large) return detail::mismatch(column, "integer", value);
      if (!std::in_range<T>(*large)) return detail::out_of_range(column, *large);
      into = static_cast<T>(*large);
      return {};
    }
    if (!std::in_range<T>(*number)) return detail::out_of_range(column, *number);
    into = static_cast<T>(*number);
  } else if constexpr (std::floating_point<T>) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      into = static_cast<T>(*number);
    } else if (const auto* real = std::get_if<double>(&value)) {
      into = static_cast<T>(*real);
    } else {
      return detail::mismatch(column, "real", value);
    }
  } else if constexpr (std::is_same_v<T, Time>) {
    if (const auto* text = std::get_if<std::string>(&value)) return detail::read_time(*text, column, into);
    const auto* number = std::get_if<std::int64_t>(&value);
    if (!number) return detail::mismatch(column, "time (integer microseconds, or a date and time as text)", value);
    into = Time(std::chrono::microseconds(*number));
  } else if constexpr (std::is_same_v<T, std::string>) {
    auto* text = std::get_if<std::string>(&value);
    if (!text) return detail::mismatch(column, "text", value);
    into = std::move(*text);
  } else {
    static_assert(std::is_same_v<T, Blob>);
    auto* blob = std::get_if<Blob>(&value);
    if (!blob) return detail::mismatch(column, "blob", value);
    into = std::move(*blob);
  }
  return {};
}

}  // namespace yun::sql
