#pragma once
// One text to one value: path parameters, query values and headers. Strict: all of the text, no spaces, no sign where none can be.

#include <charconv>
#include <limits>
#include <string>
#include <string_view>

#include "yun/json/types.hpp"

namespace yun::http::detail {

template <typename T>
concept FromText = std::same_as<T, std::string> || std::same_as<T, bool> || json::detail::Integer<T> || json::detail::Floating<T> ||
                   json::detail::Enum<T> || json::detail::Textual<T>;

template <json::detail::Enum T>
std::string one_of_names() {
  std::string text = "must be one of: ";
  const char* separator = "";
  for (const auto& entry : json::reflect::enum_table<T>().entries) {
    text += separator;
    text += entry.name;
    separator = ", ";
  }
  return text;
}

/// "" if `text` was read into `value`, else what is wrong ("must be an integer").
template <FromText T>
std::string read_text(std::string_view text, T& value) {
  if constexpr (std::same_as<T, std::string>) {
    value.assign(text);
    return {};
  } else if constexpr (std::same_as<T, bool>) {
    value = text == "true" || text == "1";
    return value || text == "false" || text == "0" ? "" : "must be true or false";
  } else if constexpr (json::detail::Integer<T> || json::detail::Floating<T>) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc::result_out_of_range) {
      if constexpr (json::detail::Integer<T>)
        return "must be from " + std::to_string(std::numeric_limits<T>::min()) + " to " + std::to_string(std::numeric_limits<T>::max());
      return "is out of range";
    }
    if (error != std::errc() || stop != end) return json::detail::Integer<T> ? "must be an integer" : "must be a number";
    return {};
  } else if constexpr (json::detail::Enum<T>) {
    const auto* entry = json::reflect::enum_table<T>().find(text);
    if (!entry) return one_of_names<T>();
    value = static_cast<T>(entry->value);
    return {};
  } else {
    auto parsed = json::Text<T>::parse(text);
    if (!parsed) return parsed.error().message();
    value = *std::move(parsed);
    return {};
  }
}

}  // namespace yun::http::detail
