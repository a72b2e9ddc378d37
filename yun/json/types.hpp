#pragma once
// Which C++ type is which JSON: the concepts that reading, writing, validation and schemas all branch on.
//
//     bool, integers, float and double      true, 7, 1.5         an integer is never read from a string or from 1.5
//     std::string                           "text"
//     std::optional<T>, unique_ptr<T>       null or T
//     std::vector<T>, std::array<T, N>, set [..]                 std::map<std::string, T>, unordered_map: {..}
//     enum class                            "not_found" for Code::NotFound
//     std::variant<A, B> of structs         {"type":"a", ..}     of other types: by the kind of JSON value
//     plain structs                         {"field": ..}        see reflect.hpp
//     Time, Duration, Size, Rate            text (see Text)
//     json::Value, json::Raw                anything
//
// A struct may say, as static constexpr members:
//     bool kDefaults = true        a missing field keeps its default (else every field but optional and unique_ptr is required)
//     bool kOmitEmpty = true       nullopt and nullptr are left out when written (else they are written as null)
//     std::string_view kTag = ".." its name in a variant (else the type's name in snake_case)
// and, as a static member function, `static void rules(json::Rules<T>&)` (see validate.hpp).

#include <array>
#include <concepts>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "yun/base/units.hpp"
#include "yun/json/reflect.hpp"

namespace yun::json {

class Value;

/// JSON text that is passed through as it is: written without a look, read as the exact bytes of one value. "" is written as null.
struct Raw {
  std::string text;
  bool operator==(const Raw&) const = default;
};

/// A type that is one JSON string. To add one, specialise it with
///     static void append(std::string& out, const T&);         // the unescaped text
///     static Result<T> parse(std::string_view);               // its error's message becomes the violation
///     static constexpr std::string_view kFormat = "date-time"; // JSON Schema's format, or ""
template <typename T>
struct Text;

template <>
struct Text<Time> {
  static constexpr std::string_view kFormat = "date-time";
  static void append(std::string& out, Time time) { out += format_time(time); }
  static Result<Time> parse(std::string_view text) { return parse_time(text); }
};
template <>
struct Text<Duration> {
  static constexpr std::string_view kFormat = "";
  static void append(std::string& out, Duration duration) { out += format_duration(duration); }
  static Result<Duration> parse(std::string_view text) { return parse_duration(text); }
};
/// Coarser durations are refused when the text is finer than they are.
template <std::integral Rep, typename Period>
  requires(!std::same_as<std::chrono::duration<Rep, Period>, Duration>)
struct Text<std::chrono::duration<Rep, Period>> {
  using Own = std::chrono::duration<Rep, Period>;
  static constexpr std::string_view kFormat = "";
  static void append(std::string& out, Own duration) { out += format_duration(duration); }
  static Result<Own> parse(std::string_view text) {
    auto duration = parse_duration(text);
    if (!duration) return std::move(duration).error();
    const Own own = std::chrono::duration_cast<Own>(*duration);
    if (own != *duration) return invalid_argument("invalid duration \"" + std::string(text) + "\": must be a multiple of " + format_duration(Own(1)));
    return own;
  }
};
template <>
struct Text<Size> {
  static constexpr std::string_view kFormat = "";
  static void append(std::string& out, Size size) { out += format_size(size); }
  static Result<Size> parse(std::string_view text) { return parse_size(text); }
};
template <>
struct Text<Rate> {
  static constexpr std::string_view kFormat = "";
  static void append(std::string& out, Rate rate) { out += format_rate(rate); }
  static Result<Rate> parse(std::string_view text) { return parse_rate(text); }
};

namespace detail {

template <typename T>
concept Textual = requires(std::string& out, const T& value) { Text<T>::append(out, value); };

template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
                  !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;
template <typename T>
concept Floating = std::same_as<T, float> || std::same_as<T, double>;

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <typename T>
inline constexpr bool kIsPointer = false;
template <typename T>
inline constexpr bool kIsPointer<std::unique_ptr<T>> = true;
/// Null or a T.
template <typename T>
concept Nullable = kIsOptional<T> || kIsPointer<T>;

template <typename T>
inline constexpr bool kIsVariant = false;
template <typename... T>
inline constexpr bool kIsVariant<std::variant<T...>> = true;
template <typename T>
concept Variant = kIsVariant<T>;

template <typename T>
inline constexpr bool kIsArray = false;
template <typename T, std::size_t N>
inline constexpr bool kIsArray<std::array<T, N>> = true;
template <typename T>
concept FixedArray = kIsArray<T>;

template <typename T>
concept Map = requires { typename T::mapped_type; } && std::same_as<typename T::key_type, std::string>;
template <typename T>
concept Set = requires { typename T::key_type; } && !requires { typename T::mapped_type; };
template <typename T>
concept List = std::ranges::input_range<T> && !Map<T> && !FixedArray<T> && !std::convertible_to<T, std::string_view>;

template <typename T>
concept Enum = std::is_enum_v<T>;

/// A plain struct.
template <typename T>
concept Record = std::is_class_v<T> && std::is_aggregate_v<T> && !Textual<T> && !FixedArray<T> && !List<T> && !Map<T> &&
                 !std::same_as<T, Raw>;

template <typename T>
consteval bool has_defaults() {
  if constexpr (requires { T::kDefaults; }) return T::kDefaults;
  return false;
}
template <typename T>
consteval bool omits_empty() {
  if constexpr (requires { T::kOmitEmpty; }) return T::kOmitEmpty;
  return false;
}
template <Record T>
std::string_view tag() {
  if constexpr (requires { std::string_view(T::kTag); }) {
    return T::kTag;
  } else {
    static const std::string name = reflect::to_snake_case(reflect::type_name<T>());
    return name;
  }
}

/// Variants of nothing but structs carry a tag.
template <typename T>
inline constexpr bool kIsTagged = false;
template <typename... T>
inline constexpr bool kIsTagged<std::variant<T...>> = (Record<T> && ...);
inline constexpr std::string_view kTagKey = "type";

template <typename T>
inline constexpr bool kUnsupported = false;

}  // namespace detail
}  // namespace yun::json
