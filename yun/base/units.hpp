#pragma once
// Durations, sizes and rates with units, as people write them: "250ms", "64KiB", "100/s".

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "yun/base/result.hpp"

namespace yun {

using Duration = std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
/// Wall-clock time in microseconds since the epoch (UTC): what is stored and shown. RFC 3339 on the wire.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// A size in bytes as a configuration value; a plain number is bytes.
struct Size {
  std::uint64_t bytes = 0;
  bool operator==(const Size&) const = default;
};

/// So many events each `per`.
struct Rate {
  double count = 0;
  Duration per = std::chrono::seconds(1);
  double per_second() const { return count * 1e9 / static_cast<double>(per.count()); }
  bool operator==(const Rate&) const = default;
};

/// "1h30m", "250ms", "2s", "10us", "5d"; "0" needs no unit. Negative, fractional-without-unit or unknown units -> InvalidArgument.
Result<Duration> parse_duration(std::string_view text);
/// The shortest form that parse_duration reads back: "1.5s" becomes "1500ms".
std::string format_duration(Duration duration);
/// "512", "64KiB", "10MB", "1GiB": KB, MB, GB are powers of 1000, KiB, MiB, GiB of 1024.
Result<Size> parse_size(std::string_view text);
std::string format_size(Size size);
/// "100/s", "5/m", "1000/h", "10/500ms".
Result<Rate> parse_rate(std::string_view text);
std::string format_rate(Rate rate);

Time now();
/// RFC 3339 in UTC with microseconds and "Z": "2026-11-23T12:00:00.000000Z".
std::string format_time(Time time);
/// RFC 3339 with any offset; leap second 60 reads as 59.
Result<Time> parse_time(std::string_view text);
/// IMF-fixdate of RFC 9110 5.6.7, for Date and Last-Modified.
std::string format_http_date(std::chrono::sys_seconds time);

inline namespace literals {
constexpr std::size_t operator""_KiB(unsigned long long count) { return count << 10; }
constexpr std::size_t operator""_MiB(unsigned long long count) { return count << 20; }
constexpr std::size_t operator""_GiB(unsigned long long count) { return count << 30; }
}  // namespace literals

}  // namespace yun
