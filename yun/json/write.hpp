#pragma once
// From C++ values to JSON text, appended in one pass; types.hpp tells which type becomes what.
//
//     std::string body;
//     json::write(body, user);                // appends {"id":"42","name":"ann"}
//     std::string text = json::to_json(user);
//
// Integers are exact, doubles the shortest text that reads back (NaN and infinities are null), invalid UTF-8 becomes U+FFFD.

#include <string>
#include <string_view>

#include "yun/json/types.hpp"

namespace yun::json {

/// Appends `value` to `out`. Never fails.
template <typename T>
void write(std::string& out, const T& value);

template <typename T>
std::string to_json(const T& value) {
  std::string out;
  write(out, value);
  return out;
}

namespace detail {

/// Appends `text` quoted and escaped.
void write_string(std::string& out, std::string_view text);
void write_signed(std::string& out, std::int64_t value);
void write_unsigned(std::string& out, std::uint64_t value);
void write_double(std::string& out, double value);
void write_float(std::string& out, float value);
void write_value(std::string& out, const Value& value);
void write_enum(std::string& out, const reflect::EnumTable& table, std::int64_t value);

/// `,"name":` as one literal.
template <typename T, std::size_t I>
consteval auto make_key() {
  constexpr std::string_view name = reflect::names<T>()[I];
  std::array<char, name.size() + 4> key{};
  std::size_t at = 0;
  key[at++] = ',';
  key[at++] = '"';
  for (const char c : name) key[at++] = c;
  key[at++] = '"';
  key[at++] = ':';
  return key;
}
template <typename T, std::size_t I>
inline constexpr auto kKey = make_key<T, I>();

template <typename T, std::size_t I, typename F>
void write_member(std::string& out, const F& field, bool& first) {
  if constexpr (omits_empty<T>() && Nullable<F>) {
    if (!field) return;
  }
  const std::size_t skip = first ? 1 : 0;
  first = false;
  out.append(kKey<T, I>.data() + skip, kKey<T, I>.size() - skip);
  write(out, field);
}

template <typename T>
void write_members(std::string& out, const T& record, bool first) {
  reflect::detail::with_fields(record, [&](const auto&... field) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (write_member<T, I>(out, field, first), ...);
    }(std::index_sequence_for<decltype(field)...>());
  });
}

template <typename T>
void write_alternative(std::string& out, const T& record) {
  static_assert(
      [] {
        for (const auto name : reflect::names<T>())
          if (name == kTagKey) return false;
        return true;
      }(),
      "json: a struct in a variant cannot have a field called `type`, which is the variant's tag");
  out += "{\"type\":";
  write_string(out, tag<T>());
  write_members(out, record, false);
  out += '}';
}

}  // namespace detail

template <typename T>
void write(std::string& out, const T& value) {
  using namespace detail;
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (Integer<T>) {
    if constexpr (std::is_signed_v<T>)
      write_signed(out, value);
    else
      write_unsigned(out, value);
  } else if constexpr (std::same_as<T, float>) {
    write_float(out, value);
  } else if constexpr (std::same_as<T, double>) {
    write_double(out, value);
  } else if constexpr (std::same_as<T, Value>) {
    write_value(out, value);
  } else if constexpr (std::same_as<T, Raw>) {
    out += value.text.empty() ? std::string_view("null") : std::string_view(value.text);
  } else if constexpr (std::same_as<T, std::monostate>) {
    out += "null";
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    write_string(out, value);
  } else if constexpr (Textual<T>) {
    std::string text;
    Text<T>::append(text, value);
    write_string(out, text);
  } else if constexpr (Enum<T>) {
    write_enum(out, reflect::enum_table<T>(), static_cast<std::int64_t>(value));
  } else if constexpr (Nullable<T>) {
    if (value)
      write(out, *value);
    else
      out += "null";
  } else if constexpr (Variant<T>) {
    std::visit(
        [&out](const auto& alternative) {
          if constexpr (kIsTagged<T>)
            write_alternative(out, alternative);
          else
            write(out, alternative);
        },
        value);
  } else if constexpr (Map<T>) {
    char separator = '{';
    for (const auto& [key, element] : value) {
      out += separator;
      separator = ',';
      write_string(out, key);
      out += ':';
      write(out, element);
    }
    if (separator == '{') out += '{';
    out += '}';
  } else if constexpr (List<T> || FixedArray<T>) {
    char separator = '[';
    for (const auto& element : value) {
      out += separator;
      separator = ',';
      write<std::ranges::range_value_t<T>>(out, element);
    }
    if (separator == '[') out += '[';
    out += ']';
  } else if constexpr (Record<T>) {
    out += '{';
    write_members(out, value, true);
    out += '}';
  } else {
    static_assert(kUnsupported<T>, "json: this type cannot be written; see yun/json/types.hpp, or specialise json::Text<T>");
  }
}

}  // namespace yun::json
