#pragma once
// The JSON forms of google.protobuf.Timestamp, Duration and FieldMask. Not for users.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yun::rpc {

struct SecondsNanos {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};

/// "2026-11-23T12:00:00Z" with 0, 3, 6 or 9 digits of fraction; nullopt outside years 1 to 9999.
std::optional<std::string> format_timestamp(std::int64_t seconds, std::int64_t nanos);
/// RFC 3339 with any offset and up to nine digits.
std::optional<SecondsNanos> parse_timestamp(std::string_view text);
/// "-1.500s"; nullopt outside about 10,000 years or with signs that differ.
std::optional<std::string> format_duration_json(std::int64_t seconds, std::int64_t nanos);
std::optional<SecondsNanos> parse_duration_json(std::string_view text);
/// "user.display_name" <-> "user.displayName".
std::string lower_camel(std::string_view path);
std::string snake(std::string_view path);

}  // namespace yun::rpc
