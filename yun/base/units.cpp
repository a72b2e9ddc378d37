#include "yun/base/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>

#include "yun/base/strings.hpp"

namespace yun {
namespace {

using namespace std::chrono_literals;

struct DurationUnit {
  std::string_view name;
  Duration length;
};
constexpr std::array<DurationUnit, 7> kDurationUnits{
    {{"d", 24h}, {"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}, {"us", 1us}, {"ns", 1ns}}};

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<SizeUnit, 10> kSizeUnits{{{"", 1},
                                               {"B", 1},
                                               {"KB", 1'000},
                                               {"MB", 1'000'000},
                                               {"GB", 1'000'000'000},
                                               {"TB", 1'000'000'000'000},
                                               {"KiB", 1ull << 10},
                                               {"MiB", 1ull << 20},
                                               {"GiB", 1ull << 30},
                                               {"TiB", 1ull << 40}}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Takes `count` digits off the front of `text`; nullopt if they are not all digits.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// Digits with at most one '.' between digits; the whole part and the fraction in nanounits.
struct Decimal {
  std::uint64_t whole = 0;
  std::uint64_t nanos = 0;
  bool fractional = false;
};

std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal decimal;
  std::size_t used = 0;
  while (used < text.size() && is_digit(text[used])) ++used;
  const auto whole = parse_u64(text.substr(0, used));
  if (!whole) return std::nullopt;
  decimal.whole = *whole;
  text.remove_prefix(used);
  if (text.empty() || text.front() != '.') return decimal;
  text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  decimal.fractional = true;
  std::uint64_t place = 100'000'000;
  while (!text.empty() && is_digit(text.front())) {
    decimal.nanos += place * static_cast<std::uint64_t>(text.front() - '0');
    place /= 10;
    text.remove_prefix(1);
  }
  return decimal;
}

Error bad(std::string_view what, std::string_view text, std::string_view expected) {
  return invalid_argument("invalid " + std::string(what) + " \"" + std::string(text) + "\": expected " + std::string(expected));
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  constexpr std::string_view kExpected = "a number with a unit, such as 250ms, 2s or 1h30m";
  std::string_view rest = trim(text);
  if (rest.empty()) return bad("duration", text, kExpected);
  if (rest == "0") return Duration::zero();
  __int128 total = 0;
  while (!rest.empty()) {
    const auto decimal = take_decimal(rest);
    if (!decimal) return bad("duration", text, kExpected);
    std::size_t letters = 0;
    while (letters < rest.size() && is_letter(rest[letters])) ++letters;
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    const DurationUnit* unit = nullptr;
    for (const auto& candidate : kDurationUnits)
      if (candidate.name == name) unit = &candidate;
    if (!unit) return bad("duration", text, kExpected);
    const __int128 length = unit->length.count();
    total += length * decimal->whole + length * decimal->nanos / 1'000'000'000;
    if (total > std::numeric_limits<Duration::rep>::max())
      return invalid_argument("invalid duration \"" + std::string(text) + "\": too long");
  }
  return Duration(static_cast<Duration::rep>(total));
}

std::string format_duration(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  for (const auto& unit : kDurationUnits)
    if (duration % unit.length == Duration::zero()) return std::to_string(duration / unit.length) + std::string(unit.name);
  return {};
}

Result<Size> parse_size(std::string_view text) {
  constexpr std::string_view kExpected = "a number of bytes with an optional unit, such as 512, 64KiB or 10MB";
  const std::string_view trimmed = trim(text);
  std::size_t digits = 0;
  while (digits < trimmed.size() && is_digit(trimmed[digits])) ++digits;
  if (digits == 0) return bad("size", text, kExpected);
  const auto count = parse_u64(trimmed.substr(0, digits));
  const std::string_view name = trim(trimmed.substr(digits));
  for (const auto& unit : kSizeUnits) {
    if (unit.name != name) continue;
    if (!count || *count > std::numeric_limits<std::uint64_t>::max() / unit.bytes)
      return invalid_argument("invalid size \"" + std::string(text) + "\": too large");
    return Size{*count * unit.bytes};
  }
  return bad("size", text, kExpected);
}

std::string format_size(Size size) {
  const SizeUnit* best = &kSizeUnits.front();
  // Binary units come last, so that they win over decimal ones of the same text length.
  std::string shortest = std::to_string(size.bytes);
  if (size.bytes == 0) return shortest;
  for (const auto& unit : kSizeUnits) {
    if (size.bytes % unit.bytes != 0 || unit.bytes <= best->bytes) continue;
    std::string text = std::to_string(size.bytes / unit.bytes) + std::string(unit.name);
    if (text.size() <= shortest.size()) {
      shortest = std::move(text);
      best = &unit;
    }
  }
  return shortest;
}

Result<Rate> parse_rate(std::string_view text) {
  constexpr std::string_view kExpected = "a count and a period, such as 100/s, 5/m or 10/500ms";
  const std::string_view trimmed = trim(text);
  const std::size_t slash = trimmed.find('/');
  if (slash == std::string_view::npos) return bad("rate", text, kExpected);
  std::string_view count_text = trim(trimmed.substr(0, slash));
  const std::string_view per_text = trim(trimmed.substr(slash + 1));
  const auto count = take_decimal(count_text);
  if (!count || !count_text.empty() || per_text.empty()) return bad("rate", text, kExpected);
  Rate rate;
  rate.count = static_cast<double>(count->whole) + static_cast<double>(count->nanos) * 1e-9;
  auto per = parse_duration(is_digit(per_text.front()) ? std::string(per_text) : "1" + std::string(per_text));
  if (!per) return bad("rate", text, kExpected);
  rate.per = *per;
  if (!(rate.count > 0) || rate.per <= Duration::zero())
    return invalid_argument("invalid rate \"" + std::string(text) + "\": count and period must be above zero");
  return rate;
}

std::string format_rate(Rate rate) {
  std::array<char, 40> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), rate.count, std::chars_format::fixed);
  std::string text = end.ec == std::errc() ? std::string(digits.data(), end.ptr) : std::to_string(rate.count);
  text += '/';
  for (const auto& unit : kDurationUnits)
    if (unit.length == rate.per) return text + std::string(unit.name);
  return text + format_duration(rate.per);
}

Time now() { return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()); }

std::string format_time(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 64> text;
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                 static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

Result<Time> parse_time(std::string_view text) {
  const Error error = bad("time", text, "RFC 3339, such as 2026-11-23T12:00:00Z");
  std::string_view rest = text;
  const auto year = take_digits(rest, 4);
  if (!year || !take(rest, "-")) return error;
  const auto month = take_digits(rest, 2);
  if (!month || !take(rest, "-")) return error;
  const auto day = take_digits(rest, 2);
  if (!day || !take(rest, "Tt")) return error;
  const auto hour = take_digits(rest, 2);
  if (!hour || !take(rest, ":")) return error;
  const auto minute = take_digits(rest, 2);
  if (!minute || !take(rest, ":")) return error;
  auto second = take_digits(rest, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return error;
  if (*second == 60) second = 59;

  std::chrono::microseconds fraction{0};
  if (take(rest, ".")) {
    if (rest.empty() || !is_digit(rest.front())) return error;
    int place = 100'000;
    for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1), place /= 10)
      fraction += std::chrono::microseconds((rest.front() - '0') * place);
  }

  std::chrono::minutes offset{0};
  if (!take(rest, "Zz")) {
    if (rest.empty() || (rest.front() != '+' && rest.front() != '-')) return error;
    const int sign = rest.front() == '-' ? -1 : 1;
    rest.remove_prefix(1);
    const auto hours = take_digits(rest, 2);
    if (!hours || !take(rest, ":")) return error;
    const auto minutes = take_digits(rest, 2);
    if (!minutes || *hours > 23 || *minutes > 59) return error;
    offset = sign * std::chrono::minutes(*hours * 60 + *minutes);
  }
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!rest.empty() || !date.ok()) return error;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + fraction - offset;
}

std::string format_http_date(std::chrono::sys_seconds time) {
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 64> text;
  const int size = std::snprintf(
      text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace yun
