#include "yun/json/read.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <set>
#include <unordered_map>

#include "yun/base/strings.hpp"
#include "yun/json/value.hpp"
#include "yun/json/write.hpp"

namespace yun::json {
namespace {

using namespace std::string_view_literals;
using namespace std::chrono_literals;
using Violations = std::vector<FieldViolation>;

struct Price {
  std::int64_t amount = 0;
  std::string currency;
  bool operator==(const Price&) const = default;
};
struct Line {
  std::string product_id;
  int quantity = 0;
  bool operator==(const Line&) const = default;
};
struct Order {
  std::string id;
  std::vector<Line> items;
  Price total;
  std::optional<std::string> note;
  bool operator==(const Order&) const = default;
};
struct Options {
  static constexpr bool kDefaults = true;
  int workers = 4;
  Duration timeout = 2s;
  std::string name = "x";
};
enum class Status { Pending, InTransit };
struct Circle {
  double radius = 0;
};
struct Square {
  static constexpr std::string_view kTag = "box";
  double side = 0;
};

/// An aggregate that is text on the wire.
struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
};

}  // namespace

template <>
struct Text<Colour> {
  static constexpr std::string_view kFormat = "colour";
  static void append(std::string& out, const Colour& colour) {
    const char bytes[] = {static_cast<char>(colour.red), static_cast<char>(colour.green), static_cast<char>(colour.blue)};
    out += '#' + to_hex({bytes, 3});
  }
  static Result<Colour> parse(std::string_view text) {
    unsigned red = 0, green = 0, blue = 0;
    if (std::sscanf(std::string(text).c_str(), "#%2x%2x%2x", &red, &green, &blue) != 3) return invalid_argument("must be a colour such as #ff8000");
    return Colour{static_cast<std::uint8_t>(red), static_cast<std::uint8_t>(green), static_cast<std::uint8_t>(blue)};
  }
};

namespace {

template <typename T>
Violations faults_of(std::string_view text, const ReadOptions& options = {}) {
  const auto result = read<T>(text, options);
  if (result.ok()) return {};
  EXPECT_EQ(result.error().code(), Code::InvalidArgument);
  EXPECT_FALSE(result.error().violations().empty()) << result.error().message();
  return result.error().violations();
}

template <typename T>
std::string syntax_error_of(std::string_view text, const ReadOptions& options = {}) {
  const auto result = read<T>(text, options);
  if (result.ok()) return "no error";
  EXPECT_TRUE(result.error().violations().empty()) << result.error().to_string();
  return result.error().message();
}

TEST(JsonRead, NestedStructsInAnyOrderOfMembers) {
  const auto order = read<Order>(
      R"( { "total" : {"currency":"EUR","amount":9007199254740993}, "unknown":[{"a":[]}], "items":[{"product_id":"p1","quantity":2},
            {"quantity":3,"product_id":"p2"}], "id":"o1" } )");
  ASSERT_TRUE(order.ok()) << order.error().to_string();
  EXPECT_EQ(*order, (Order{"o1", {{"p1", 2}, {"p2", 3}}, {9007199254740993, "EUR"}, {}}));
}

TEST(JsonRead, AllFaultsAtOnceWithTheirPointers) {
  EXPECT_EQ(faults_of<Order>(R"({"id":7,"items":[{"product_id":"p","quantity":"2"},{"quantity":1.5}],"total":{"amount":null}})"),
            (Violations{{"/id", "must be a string"},
                    {"/items/0/quantity", "must be an integer"},
                    {"/items/1/quantity", "must be an integer"},
                    {"/items/1/product_id", "is required"},
                    {"/total/amount", "must not be null"},
                    {"/total/currency", "is required"}}));
}

TEST(JsonRead, PointersAreEscaped) {
  using Map = std::map<std::string, int>;
  EXPECT_EQ(faults_of<Map>(R"({"a/b~c":"x","\u0041":true})"), (Violations{{"/a~1b~0c", "must be an integer"}, {"/A", "must be an integer"}}));
}

TEST(JsonRead, TheRootHasTheEmptyPointer) {
  EXPECT_EQ(faults_of<Order>("[]"), (Violations{{"", "must be an object"}}));
  EXPECT_EQ(faults_of<int>("\"1\""), (Violations{{"", "must be an integer"}}));
  EXPECT_EQ(faults_of<std::vector<int>>("null"), (Violations{{"", "must not be null"}}));
}

TEST(JsonRead, IntegersAreExactAndInRange) {
  EXPECT_EQ(*read<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*read<std::uint64_t>("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(*read<std::uint64_t>("-0"), 0u);
  EXPECT_EQ(*read<std::int8_t>("-128"), -128);
  EXPECT_EQ(faults_of<std::int8_t>("128"), (Violations{{"", "must be an integer between -128 and 127"}}));
  EXPECT_EQ(faults_of<std::uint8_t>("-1"), (Violations{{"", "must be an integer between 0 and 255"}}));
  for (const auto text : {"9223372036854775808"sv, "1.0"sv, "1e3"sv, "\"1\""sv, "true"sv, "99999999999999999999999"sv, "[]"sv, "{\"a\":1}"sv})
    EXPECT_FALSE(faults_of<std::int64_t>(text).empty()) << text;
}

TEST(JsonRead, Doubles) {
  EXPECT_EQ(*read<double>("0.1"), 0.1);
  EXPECT_EQ(*read<double>("-1.5E+2"), -150.0);
  EXPECT_EQ(*read<double>("7"), 7.0);
  EXPECT_EQ(*read<double>("1e-999"), 0.0);
  EXPECT_EQ(*read<double>("4.9e-324"), 4.9e-324);
  EXPECT_EQ(faults_of<double>("1e999"), (Violations{{"", "must be a number within the range of a double"}}));
}

TEST(JsonRead, StringsWithEscapes) {
  EXPECT_EQ(*read<std::string>(R"("\"\\\/\b\f\n\r\t\u00e9\u4f60\ud83d\ude00\u0000")"),
            "\"\\/\b\f\n\r\t\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80\0"sv);
  EXPECT_EQ(*read<std::string>("\"long text that is over eight bytes, \xe4\xbd\xa0 and an \\n escape\""),
            "long text that is over eight bytes, \xe4\xbd\xa0 and an \n escape");
}

TEST(JsonRead, MalformedTextsAreRefusedWithTheirPlace) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"", "invalid JSON at byte 0 (line 1, column 1): the text ends where a value was expected"},
      {"   ", "invalid JSON at byte 3 (line 1, column 4): the text ends where a value was expected"},
      {"{", "invalid JSON at byte 1 (line 1, column 2): the text ends where a member's name in quotes was expected"},
      {"{\"a\"", "invalid JSON at byte 4 (line 1, column 5): the text ends where ':' was expected"},
      {"{\"a\" 1}", "invalid JSON at byte 5 (line 1, column 6): expected ':'"},
      {"{\n\"a\":1,\n \"b\" 2}", "invalid JSON at byte 14 (line 3, column 6): expected ':'"},
      {"{\"a\":1,}", "invalid JSON at byte 7 (line 1, column 8): expected a member's name in quotes"},
      {"{,}", "invalid JSON at byte 1 (line 1, column 2): expected a member's name in quotes"},
      {"{a:1}", "invalid JSON at byte 1 (line 1, column 2): expected a member's name in quotes"},
      {"{'a':1}", "invalid JSON at byte 1 (line 1, column 2): expected a member's name in quotes"},
      {"{\"a\":1 \"b\":2}", "invalid JSON at byte 7 (line 1, column 8): expected ',' or '}'"},
      {"{\"a\":}", "invalid JSON at byte 5 (line 1, column 6): expected a value"},
      {"{1:2}", "invalid JSON at byte 1 (line 1, column 2): expected a member's name in quotes"},
      {"{\"a\":1]", "invalid JSON at byte 6 (line 1, column 7): expected ',' or '}'"},
      {"[1,]", "invalid JSON at byte 3 (line 1, column 4): expected a value"},
      {"[,1]", "invalid JSON at byte 1 (line 1, column 2): expected a value"},
      {"[1 2]", "invalid JSON at byte 3 (line 1, column 4): expected ',' or ']'"},
      {"[1", "invalid JSON at byte 2 (line 1, column 3): the text ends where ',' or ']' was expected"},
      {"[1}", "invalid JSON at byte 2 (line 1, column 3): expected ',' or ']'"},
      {"[", "invalid JSON at byte 1 (line 1, column 2): the text ends where a value was expected"},
      {"]", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {"1 2", "invalid JSON at byte 2 (line 1, column 3): more text after the value"},
      {"{}{}", "invalid JSON at byte 2 (line 1, column 3): more text after the value"},
      {"nul", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {"nulll", "invalid JSON at byte 4 (line 1, column 5): more text after the value"},
      {"True", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {"NaN", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {"-Infinity", "invalid JSON at byte 1 (line 1, column 2): expected a digit"},
      {"01", "invalid JSON at byte 0 (line 1, column 1): a number may not begin with a needless zero"},
      {"-01", "invalid JSON at byte 1 (line 1, column 2): a number may not begin with a needless zero"},
      {"+1", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {".5", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {"1.", "invalid JSON at byte 2 (line 1, column 3): the text ends where a digit was expected"},
      {"[1.]", "invalid JSON at byte 3 (line 1, column 4): expected a digit"},
      {"1e", "invalid JSON at byte 2 (line 1, column 3): the text ends where a digit was expected"},
      {"1e+", "invalid JSON at byte 3 (line 1, column 4): the text ends where a digit was expected"},
      {"-", "invalid JSON at byte 1 (line 1, column 2): the text ends where a digit was expected"},
      {"0x10", "invalid JSON at byte 1 (line 1, column 2): more text after the value"},
      {"\"abc", "invalid JSON at byte 4 (line 1, column 5): the text ends inside a string"},
      {"\"abc\\", "invalid JSON at byte 5 (line 1, column 6): the text ends inside a string"},
      {"\"a\nb\"", "invalid JSON at byte 2 (line 1, column 3): a control character in a string must be escaped"},
      {"\"a\0b\""sv, "invalid JSON at byte 2 (line 1, column 3): a control character in a string must be escaped"},
      {"\"\\x\"", "invalid JSON at byte 1 (line 1, column 2): unknown escape in a string"},
      {"\"\\u12g4\"", "invalid JSON at byte 1 (line 1, column 2): \\u needs four hexadecimal digits"},
      {"\"\\u12\"", "invalid JSON at byte 1 (line 1, column 2): \\u needs four hexadecimal digits"},
      {"\"\\ud800\"", "invalid JSON at byte 1 (line 1, column 2): a high surrogate without its low one"},
      {"\"\\ud800\\u0041\"", "invalid JSON at byte 1 (line 1, column 2): a high surrogate without its low one"},
      {"\"\\udc00\"", "invalid JSON at byte 1 (line 1, column 2): a low surrogate without its high one"},
      {"\"\xff\"", "invalid JSON at byte 1 (line 1, column 2): not valid UTF-8"},
      {"\"\xc0\xaf\"", "invalid JSON at byte 1 (line 1, column 2): not valid UTF-8"},
      {"\"\xed\xa0\x80\"", "invalid JSON at byte 1 (line 1, column 2): not valid UTF-8"},
      {"\xef\xbb\xbf{}", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {"// c\n1", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {"[1]/**/", "invalid JSON at byte 3 (line 1, column 4): more text after the value"},
      {"\v1", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
      {"\xc2\xa0" "1", "invalid JSON at byte 0 (line 1, column 1): expected a value"},
  };
  for (const auto& [text, message] : table) {
    EXPECT_EQ(syntax_error_of<Value>(text), message) << text;
    EXPECT_NE(syntax_error_of<Raw>(text), "no error") << text;
    EXPECT_NE(syntax_error_of<Options>("{\"workers\":1,\"unknown\":" + std::string(text) + "}"), "no error") << text;
  }
}

TEST(JsonRead, ASyntaxErrorHidesTheViolationsBeforeIt) {
  EXPECT_EQ(syntax_error_of<Order>(R"({"id":7,"items":[} )"), "invalid JSON at byte 17 (line 1, column 18): expected a value");
}

TEST(JsonRead, DepthIsLimited) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(read<Value>(nested(64)).ok());
  EXPECT_EQ(syntax_error_of<Value>(nested(65)), "invalid JSON at byte 64 (line 1, column 65): nested deeper than 64");
  EXPECT_NE(syntax_error_of<Raw>(nested(100'000)), "no error");
  EXPECT_NE(syntax_error_of<Options>("{\"unknown\":" + nested(100'000) + "}"), "no error");
  EXPECT_TRUE(read<Value>("[" + nested(63) + "," + nested(63) + "]").ok());
}

TEST(JsonRead, SizeIsLimited) {
  const auto result = read<std::string>("\"0123456789\"", {.max_size = 8});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(http_status(result.error()), 413);
}

TEST(JsonRead, ViolationsAreLimited) {
  std::string text = "[\"x\"";
  for (int i = 0; i < 1000; ++i) text += ",\"x\"";
  EXPECT_EQ(faults_of<std::vector<int>>(text + "]").size(), 100u);
}

TEST(JsonRead, UnknownFieldsAreIgnoredOrRefused) {
  EXPECT_TRUE(read<Line>(R"({"product_id":"p","quantity":1,"extra":{"a":[1]}})").ok());
  EXPECT_EQ(faults_of<Line>(R"({"product_id":"p","quantity":1,"quantty":2,"zzz":3})", {.unknown = Unknown::Refuse}),
            (Violations{{"/quantty", "is no known field; did you mean \"quantity\"?"}, {"/zzz", "is no known field"}}));
}

TEST(JsonRead, DuplicatesAreRefused) {
  EXPECT_EQ(faults_of<Line>(R"({"product_id":"p","quantity":1,"quantity":2})"), (Violations{{"/quantity", "is given twice"}}));
  using Map = std::map<std::string, int>;
  EXPECT_EQ(faults_of<Map>(R"({"a":1,"b":2,"a":3})"), (Violations{{"/a", "is given twice"}}));
  EXPECT_EQ(faults_of<Value>(R"([{"a":1,"b":2,"a":3,"a":4}])"), (Violations{{"/0/a", "is given twice"}}));
}

TEST(JsonRead, MissingFieldsKeepTheirDefaultsWhereTheStructSaysSo) {
  const auto options = read<Options>(R"({"timeout":"1500ms"})");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->workers, 4);
  EXPECT_EQ(options->timeout, 1500ms);
  EXPECT_TRUE(read<Order>("{}", {.missing = Missing::UseDefault}).ok());
}

TEST(JsonRead, OptionalAndPointers) {
  struct Holder {
    std::optional<int> a = 7;
    std::unique_ptr<Line> b;
    std::optional<Line> c;
  };
  const auto empty = read<Holder>(R"({"a":null,"b":null})");
  ASSERT_TRUE(empty.ok());
  EXPECT_FALSE(empty->a);
  EXPECT_FALSE(empty->b);
  const auto full = read<Holder>(R"({"a":1,"b":{"product_id":"p","quantity":2},"c":{"product_id":"q","quantity":3}})");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->b->quantity, 2);
  EXPECT_EQ(full->c->product_id, "q");
}

TEST(JsonRead, ContainersOfEachKind) {
  EXPECT_EQ((*read<std::array<int, 2>>("[1,2]")), (std::array{1, 2}));
  using Pair = std::array<int, 2>;
  EXPECT_EQ(faults_of<Pair>("[1]"), (Violations{{"", "must have exactly 2 items"}}));
  EXPECT_EQ(faults_of<Pair>("[1,2,\"x\"]"), (Violations{{"", "must have exactly 2 items"}}));
  EXPECT_EQ(*read<std::vector<bool>>("[true,false]"), (std::vector{true, false}));
  EXPECT_EQ(*read<std::set<std::string>>(R"(["b","a","b"])"), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ((*read<std::unordered_map<std::string, Line>>(R"({"k":{"product_id":"p","quantity":2}})")).at("k").quantity, 2);
  EXPECT_TRUE(read<std::vector<std::vector<int>>>(" [ [ ] , [ 1 ] ] ")->at(0).empty());
}

TEST(JsonRead, EnumsByName) {
  EXPECT_EQ(*read<Status>("\"in_transit\""), Status::InTransit);
  EXPECT_EQ(faults_of<Status>("\"InTransit\""), (Violations{{"", "must be one of: pending, in_transit"}}));
  EXPECT_EQ(faults_of<Status>("0"), (Violations{{"", "must be a string"}}));
}

TEST(JsonRead, TimesAndUnits) {
  EXPECT_EQ(format_time(*read<Time>("\"2026-11-23T20:00:00+08:00\"")), "2026-11-23T12:00:00.000000Z");
  EXPECT_EQ(*read<std::chrono::milliseconds>("\"2s\""), 2s);
  EXPECT_EQ(read<Size>("\"64KiB\"")->bytes, 65536u);
  EXPECT_EQ(read<Rate>("\"5/s\"")->count, 5);
  EXPECT_EQ(faults_of<Time>("\"yesterday\""),
            (Violations{{"", "invalid time \"yesterday\": expected RFC 3339, such as 2026-11-23T12:00:00Z"}}));
  EXPECT_EQ(faults_of<std::chrono::seconds>("\"1500ms\""), (Violations{{"", "invalid duration \"1500ms\": must be a multiple of 1s"}}));
  EXPECT_EQ(faults_of<Duration>("5"), (Violations{{"", "must be a string"}}));
}

TEST(JsonRead, VariantsByTagWhereverItStands) {
  using Shape = std::variant<Circle, Square>;
  EXPECT_EQ(std::get<Circle>(*read<Shape>(R"({"type":"circle","radius":2})")).radius, 2);
  EXPECT_EQ(std::get<Square>(*read<Shape>(R"({"side":3,"x":{"type":"circle"},"type":"box"})")).side, 3);
  EXPECT_EQ(std::get<Square>(*read<Shape>(R"({"side":3,"type":"box"})", {.unknown = Unknown::Refuse})).side, 3);
  EXPECT_EQ(faults_of<Shape>(R"({"type":"star"})"), (Violations{{"/type", "must be one of: circle, box"}}));
  EXPECT_EQ(faults_of<Shape>(R"({"radius":1})"), (Violations{{"/type", "is required, one of: circle, box"}}));
  EXPECT_EQ(faults_of<Shape>(R"({"type":"circle","radius":"x"})"), (Violations{{"/radius", "must be a number"}}));
  EXPECT_EQ(faults_of<Shape>("3"), (Violations{{"", "must be an object"}}));
  EXPECT_NE(syntax_error_of<Shape>(R"({"type":"circle","radius":1)"), "no error");
}

TEST(JsonRead, VariantsOfOtherTypesByKind) {
  using Any = std::variant<std::monostate, bool, std::int64_t, std::string, std::vector<int>, Line>;
  EXPECT_EQ(std::get<std::string>(*read<Any>("\"x\"")), "x");
  EXPECT_EQ(std::get<std::int64_t>(*read<Any>("5")), 5);
  EXPECT_EQ(read<Any>("null")->index(), 0u);
  EXPECT_EQ(std::get<Line>(*read<Any>(R"({"product_id":"p","quantity":1})")).quantity, 1);
  using Two = std::variant<int, std::string>;
  EXPECT_EQ(faults_of<Two>("[]"), (Violations{{"", "is of the wrong type"}}));
}

TEST(JsonRead, RawKeepsTheBytes) {
  struct Envelope {
    std::string kind;
    Raw body;
  };
  const auto envelope = read<Envelope>(R"({"kind":"a","body": {"x" : [1, 2.50]} })");
  ASSERT_TRUE(envelope.ok());
  EXPECT_EQ(envelope->body.text, R"({"x" : [1, 2.50]})");
  EXPECT_EQ(to_json(*envelope), R"({"kind":"a","body":{"x" : [1, 2.50]}})");
}

TEST(JsonRead, AStructWithoutFields) {
  struct Nothing {};
  EXPECT_TRUE(read<Nothing>("{}").ok());
  EXPECT_TRUE(read<Nothing>(R"({"a":1})").ok());
  EXPECT_EQ(faults_of<Nothing>(R"({"a":1})", {.unknown = Unknown::Refuse}), (Violations{{"/a", "is no known field"}}));
  EXPECT_EQ(faults_of<Nothing>("[]"), (Violations{{"", "must be an object"}}));
}

TEST(JsonRead, ATypeOfOnesOwnAsText) {
  EXPECT_EQ(read<Colour>("\"#ff8000\"")->green, 0x80);
  EXPECT_EQ(faults_of<Colour>("\"orange\""), (Violations{{"", "must be a colour such as #ff8000"}}));
  EXPECT_EQ(to_json(std::map<std::string, Colour>{{"a", {1, 2, 255}}}), R"({"a":"#0102ff"})");
}

TEST(JsonRead, KeywordFieldsLoseTheirUnderscore) {
  struct Keyword {
    bool default_ = false;
  };
  EXPECT_TRUE(read<Keyword>(R"({"default":true})")->default_);
}

TEST(JsonReader, PullsByHand) {
  Reader reader(R"({"a":[1,2],"b":{"c":null},"d":"x"})", {});
  std::string seen;
  std::string_view key;
  ASSERT_TRUE(reader.begin_object());
  while (reader.next_member(key)) {
    seen += key;
    seen += reader.skip();
  }
  EXPECT_TRUE(reader.finish().ok());
  EXPECT_EQ(seen, "a[1,2]b{\"c\":null}d\"x\"");
}

}  // namespace
}  // namespace yun::json
