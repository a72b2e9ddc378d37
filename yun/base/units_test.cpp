#include "yun/base/units.hpp"

#include <gtest/gtest.h>

namespace yun {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsAsPeopleWriteThem) {
  const std::pair<std::string_view, Duration> table[] = {{"250ms", 250ms}, {"2s", 2s},       {"1h30m", 90min}, {"10us", 10us},
                                                         {"5d", 120h},     {"0", 0s},        {"0s", 0s},       {"1.5s", 1500ms},
                                                         {"7ns", 7ns},     {" 3s ", 3s},     {"1m0.5s", 60500ms}};
  for (const auto& [text, duration] : table) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, duration) << text;
  }
}

TEST(Units, RefusedDurations) {
  for (const std::string_view text : {"", "5", "1.5", "-1s", "1x", "s", "1.s", ".5s", "1 s", "999999999999d", "1s2", "99999999999999999999s"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code(), Code::InvalidArgument);
  }
}

TEST(Units, FormattedDurationsReadBack) {
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90min), "90m");
  EXPECT_EQ(format_duration(48h), "2d");
  EXPECT_EQ(format_duration(0s), "0s");
  for (const Duration duration : {Duration(1), Duration(1'000'001), Duration(3h), Duration(61s)})
    EXPECT_EQ(*parse_duration(format_duration(duration)), duration);
}

TEST(Units, Sizes) {
  EXPECT_EQ(parse_size("512")->bytes, 512u);
  EXPECT_EQ(parse_size("64KiB")->bytes, 65536u);
  EXPECT_EQ(parse_size("10MB")->bytes, 10'000'000u);
  EXPECT_EQ(parse_size("1 GiB")->bytes, 1ull << 30);
  for (const std::string_view text : {"", "KiB", "1.5MiB", "-1", "1kib", "1Q", "99999999999TiB", "99999999999999999999"})
    EXPECT_FALSE(parse_size(text).ok()) << text;
  for (const std::uint64_t bytes : {0ull, 1ull, 999ull, 1000ull, 1024ull, 65536ull, 10'000'000ull, 1ull << 30, 1536ull})
    EXPECT_EQ(parse_size(format_size({bytes}))->bytes, bytes) << format_size({bytes});
  EXPECT_EQ(format_size({65536}), "64KiB");
  EXPECT_EQ(format_size({10'000'000}), "10MB");
}

TEST(Units, Rates) {
  EXPECT_EQ(*parse_rate("100/s"), (Rate{100, 1s}));
  EXPECT_EQ(*parse_rate("5/m"), (Rate{5, 1min}));
  EXPECT_EQ(*parse_rate("10/500ms"), (Rate{10, 500ms}));
  EXPECT_EQ(*parse_rate("0.5/s"), (Rate{0.5, 1s}));
  EXPECT_DOUBLE_EQ(parse_rate("60/m")->per_second(), 1.0);
  for (const std::string_view text : {"", "100", "/s", "100/", "0/s", "-1/s", "1/0s", "1/x", "a/s", "1/s/s"})
    EXPECT_FALSE(parse_rate(text).ok()) << text;
  EXPECT_EQ(format_rate({100, 1s}), "100/s");
  EXPECT_EQ(format_rate({10, 500ms}), "10/500ms");
  EXPECT_EQ(*parse_rate(format_rate({0.5, 90s})), (Rate{0.5, 90s}));
}

TEST(Units, TimesAsRfc3339) {
  const Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 12h;
  EXPECT_EQ(format_time(noon), "2026-11-23T12:00:00.000000Z");
  EXPECT_EQ(*parse_time("2026-11-23T12:00:00Z"), noon);
  EXPECT_EQ(*parse_time("2026-11-23t12:00:00.000000z"), noon);
  EXPECT_EQ(*parse_time("2026-11-23T20:00:00+08:00"), noon);
  EXPECT_EQ(*parse_time("2026-11-23T06:30:00-05:30"), noon);
  EXPECT_EQ(*parse_time("2026-11-23T12:00:00.1234567Z"), noon + 123456us);
  EXPECT_EQ(*parse_time("2016-12-31T23:59:60Z"), *parse_time("2016-12-31T23:59:59Z"));
  EXPECT_EQ(format_time(*parse_time("1969-12-31T23:59:59.5Z")), "1969-12-31T23:59:59.500000Z");
  const Time present = now();
  EXPECT_EQ(*parse_time(format_time(present)), present);
}

TEST(Units, RefusedTimes) {
  for (const std::string_view text :
       {"", "2026-11-23", "2026-11-23T12:00:00", "2026-11-23 12:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-23T24:00:00Z", "2026-11-23T12:60:00Z", "2026-11-23T12:00:61Z", "2026-11-23T12:00:00.Z", "2026-11-23T12:00:00+8:00",
        "2026-11-23T12:00:00+24:00", "2026-11-23T12:00:00ZZ", "26-11-23T12:00:00Z"})
    EXPECT_FALSE(parse_time(text).ok()) << text;
}

TEST(Units, HttpDate) {
  EXPECT_EQ(format_http_date(std::chrono::sys_seconds(784111777s)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Units, SizeLiterals) { EXPECT_EQ(16_KiB + 1_MiB, 16384u + 1048576u); }

}  // namespace
}  // namespace yun
