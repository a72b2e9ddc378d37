#include "yun/rpc/well_known.hpp"

#include <chrono>
#include <cstdio>

#include "yun/base/strings.hpp"

namespace yun::rpc {
namespace {

constexpr std::int64_t kFirstSecond = -62'135'596'800;  // 0001-01-01
constexpr std::int64_t kLastSecond = 253'402'300'799;   // 9999-12-31T23:59:59
constexpr std::int64_t kMaxDuration = 315'576'000'000;

std::string fraction(std::int64_t nanos) {
  if (nanos == 0) return {};
  char text[16];
  if (nanos % 1'000'000 == 0) {
    std::snprintf(text, sizeof text, ".%03d", static_cast<int>(nanos / 1'000'000));
  } else if (nanos % 1'000 == 0) {
    std::snprintf(text, sizeof text, ".%06d", static_cast<int>(nanos / 1'000));
  } else {
    std::snprintf(text, sizeof text, ".%09d", static_cast<int>(nanos));
  }
  return text;
}

/// ".5" -> 500000000; 1 to 9 digits.
std::optional<std::int32_t> parse_fraction(std::string_view digits) {
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  const auto number = parse_u64(digits);
  if (!number) return std::nullopt;
  std::uint64_t value = *number;
  for (std::size_t i = digits.size(); i < 9; ++i) value *= 10;
  return static_cast<std::int32_t>(value);
}

/// Exactly `size` digits at the front, taken.
std::optional<int> take_digits(std::string_view& text, std::size_t size) {
  if (text.size() < size) return std::nullopt;
  const auto number = parse_u64(text.substr(0, size));
  if (!number) return std::nullopt;
  text.remove_prefix(size);
  return static_cast<int>(*number);
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

/// "Z" or "+hh:mm" as seconds east of UTC.
std::optional<std::int64_t> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const std::int64_t sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

}  // namespace

std::optional<std::string> format_timestamp(std::int64_t seconds, std::int64_t nanos) {
  if (seconds < kFirstSecond || seconds > kLastSecond || nanos < 0 || nanos > 999'999'999) return std::nullopt;
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text + fraction(nanos) + "Z";
}

std::optional<SecondsNanos> parse_timestamp(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || (!take(text, 'T') && !take(text, 't'))) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second) return std::nullopt;
  std::int32_t nanos = 0;
  if (take(text, '.')) {
    const std::size_t end = text.find_first_not_of("0123456789");
    const auto parsed = parse_fraction(text.substr(0, end));
    if (!parsed) return std::nullopt;
    nanos = *parsed;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
  const auto offset = parse_offset(text);
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)), std::chrono::day(static_cast<unsigned>(*day))};
  if (!offset || !date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86'400 + *hour * 3600 + *minute * 60 + *second - *offset;
  if (seconds < kFirstSecond || seconds > kLastSecond) return std::nullopt;
  return SecondsNanos{seconds, nanos};
}

std::optional<std::string> format_duration_json(std::int64_t seconds, std::int64_t nanos) {
  if (seconds < -kMaxDuration || seconds > kMaxDuration || nanos < -999'999'999 || nanos > 999'999'999) return std::nullopt;
  if ((seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0)) return std::nullopt;
  const bool negative = seconds < 0 || nanos < 0;
  return (negative ? "-" : "") + std::to_string(negative ? -seconds : seconds) + fraction(negative ? -nanos : nanos) + "s";
}

std::optional<SecondsNanos> parse_duration_json(std::string_view text) {
  const bool negative = take(text, '-');
  if (!text.ends_with('s')) return std::nullopt;
  text.remove_suffix(1);
  const std::size_t point = text.find('.');
  const auto seconds = parse_u64(text.substr(0, point));
  if (!seconds || *seconds > static_cast<std::uint64_t>(kMaxDuration)) return std::nullopt;
  SecondsNanos value{static_cast<std::int64_t>(*seconds), 0};
  if (point != std::string_view::npos) {
    const auto nanos = parse_fraction(text.substr(point + 1));
    if (!nanos) return std::nullopt;
    value.nanos = *nanos;
  }
  if (negative) value = {-value.seconds, -value.nanos};
  return value;
}

std::string lower_camel(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '_' && i + 1 < path.size() && path[i + 1] >= 'a' && path[i + 1] <= 'z') {
      out += static_cast<char>(path[++i] - 32);
    } else {
      out += path[i];
    }
  }
  return out;
}

std::string snake(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c >= 'A' && c <= 'Z') out += '_';
    out += to_lower(c);
  }
  return out;
}

}  // namespace yun::rpc
