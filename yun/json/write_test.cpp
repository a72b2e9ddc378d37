#include "yun/json/write.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "yun/json/read.hpp"
#include "yun/json/value.hpp"

namespace yun::json {
namespace {

using namespace std::string_view_literals;
using namespace std::chrono_literals;

enum class Status : std::uint8_t { Pending, InTransit };
struct Price {
  std::int64_t amount = 0;
  std::string currency;
};
struct Sparse {
  static constexpr bool kOmitEmpty = true;
  std::optional<int> a;
  std::optional<int> b;
  std::unique_ptr<Price> c;
};
struct Circle {
  double radius = 0;
};
struct Nothing {};
struct Square {
  static constexpr std::string_view kTag = "box";
  double side = 0;
};

TEST(JsonWrite, EveryFieldIsAlwaysPresent) {
  struct User {
    std::string id;
    std::optional<int> age;
    std::vector<Price> prices;
    std::map<std::string, bool> flags;
    std::unique_ptr<Price> price;
  };
  User user{"1", {}, {{5, "EUR"}, {-6, "USD"}}, {{"b", true}, {"a", false}}, nullptr};
  EXPECT_EQ(to_json(user),
            R"({"id":"1","age":null,"prices":[{"amount":5,"currency":"EUR"},{"amount":-6,"currency":"USD"}],)"
            R"("flags":{"a":false,"b":true},"price":null})");
}

TEST(JsonWrite, OmitEmptyLeavesNullsOut) {
  EXPECT_EQ(to_json(Sparse{}), "{}");
  EXPECT_EQ(to_json(Sparse{{}, 2, nullptr}), R"({"b":2})");
  EXPECT_EQ(to_json(Sparse{1, {}, std::make_unique<Price>()}), R"({"a":1,"c":{"amount":0,"currency":""}})");
}

TEST(JsonWrite, Appends) {
  std::string out = "data: ";
  write(out, Price{1, "x"});
  EXPECT_EQ(out, R"(data: {"amount":1,"currency":"x"})");
}

TEST(JsonWrite, StringsAreEscaped) {
  EXPECT_EQ(to_json("plain"), "\"plain\"");
  EXPECT_EQ(to_json("\"\\/\b\f\n\r\t\x01\x1f\x7f\0"sv), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\"");
  EXPECT_EQ(to_json("h\xc3\xa9llo \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80 long enough"), "\"h\xc3\xa9llo \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80 long enough\"");
}

TEST(JsonWrite, EveryByteAtEveryOffsetOfAWord) {
  for (int byte = 0; byte < 128; ++byte)
    for (std::size_t offset = 0; offset < 17; ++offset) {
      std::string text(17, 'a');
      text[offset] = static_cast<char>(byte);
      ASSERT_EQ(*read<std::string>(to_json(text)), text) << byte;
    }
}

TEST(JsonWrite, InvalidUtf8IsReplaced) {
  EXPECT_EQ(to_json("a\xff" "b"), "\"a\xef\xbf\xbd" "b\"");
  EXPECT_EQ(to_json("\xc3"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(to_json("\xc3\xa9\xc3\xff\xe4\xbd\xa0"), "\"\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xe4\xbd\xa0\"");
  EXPECT_EQ(to_json("\xe4\xbd"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(JsonWrite, Numbers) {
  EXPECT_EQ(to_json(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(to_json(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(to_json(std::int8_t{-5}), "-5");
  EXPECT_EQ(to_json(0.1), "0.1");
  EXPECT_EQ(to_json(0.1f), "0.1");
  EXPECT_EQ(to_json(100000.0), "100000");
  EXPECT_EQ(to_json(-0.0), "-0");
  EXPECT_EQ(to_json(1e300), "1e+300");
  EXPECT_EQ(to_json(std::nan("")), "null");
  EXPECT_EQ(to_json(-std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonWrite, DoublesReadBackToTheBit) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(*read<double>(to_json(value))), std::bit_cast<std::uint64_t>(value));
  }
}

TEST(JsonWrite, EnumsTimesAndUnits) {
  EXPECT_EQ(to_json(Status::InTransit), "\"in_transit\"");
  EXPECT_EQ(to_json(static_cast<Status>(9)), "9");
  EXPECT_EQ(to_json(Time(0us)), "\"1970-01-01T00:00:00.000000Z\"");
  EXPECT_EQ(to_json(Duration(1500ms)), "\"1500ms\"");
  EXPECT_EQ(to_json(std::chrono::minutes(90)), "\"90m\"");
  EXPECT_EQ(to_json(Size{65536}), "\"64KiB\"");
  EXPECT_EQ(to_json(Rate{100, 1s}), "\"100/s\"");
}

TEST(JsonWrite, VariantsCarryTheirTag) {
  using Shape = std::variant<Circle, Square, Nothing>;
  EXPECT_EQ(to_json(Shape(Circle{1.5})), R"({"type":"circle","radius":1.5})");
  EXPECT_EQ(to_json(Shape(Square{2})), R"({"type":"box","side":2})");
  EXPECT_EQ(to_json(Shape(Nothing{})), R"({"type":"nothing"})");
  using Any = std::variant<std::monostate, int, std::string>;
  EXPECT_EQ(to_json(std::vector<Any>{{}, 1, "x"}), R"([null,1,"x"])");
}

TEST(JsonWrite, ContainersAndEmptyOnes) {
  EXPECT_EQ(to_json(std::vector<int>{}), "[]");
  EXPECT_EQ(to_json(std::map<std::string, int>{}), "{}");
  EXPECT_EQ(to_json(Nothing{}), "{}");
  EXPECT_EQ(to_json(std::vector<bool>{true, false}), "[true,false]");
  EXPECT_EQ(to_json(std::array<double, 2>{1, 2.5}), "[1,2.5]");
  EXPECT_EQ(to_json(std::set<std::string>{"b", "a"}), R"(["a","b"])");
  EXPECT_EQ(to_json(std::map<std::string, int>{{"a\"b", 1}}), R"({"a\"b":1})");
  EXPECT_EQ(to_json(Raw{}), "null");
}

/// As RFC 8259 7 has it, a byte at a time.
std::string quoted_slowly(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

TEST(JsonWrite, FindsWhatNeedsCareAtEveryPlaceOfEveryLength) {
  for (std::size_t size = 0; size <= 40; ++size) {
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(' ' + i * 7 % 90);
    for (char& c : text) {
      if (c == '"' || c == '\\') c = '~';
    }
    ASSERT_EQ(to_json(text), '"' + text + '"');
    for (std::size_t at = 0; at < size; ++at) {
      for (const std::string_view special : {"\"", "\\", "\n", "\x01", "\x1f", "\x7f", "\xc3\xa9", "\xe4\xba\x91", "\xf0\x9f\x98\x80"}) {
        std::string with = text;
        with.replace(at, 1, special);
        ASSERT_EQ(to_json(with), quoted_slowly(with));
      }
      std::string broken = text;
      broken[at] = '\xff';
      ASSERT_EQ(to_json(broken), '"' + text.substr(0, at) + "\xef\xbf\xbd" + text.substr(at + 1) + '"');
    }
  }
}

}  // namespace
}  // namespace yun::json
