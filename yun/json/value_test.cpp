#include "yun/json/value.hpp"

#include <gtest/gtest.h>

#include "yun/json/write.hpp"

namespace yun::json {
namespace {

TEST(JsonValue, KeepsTheOrderOfMembers) {
  const std::string text = R"({"z":1,"a":[true,null,"x",-2.5],"m":{"k":18446744073709551615,"j":-9223372036854775808}})";
  const auto value = parse(text);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(to_json(*value), text);
}

TEST(JsonValue, ReachesInto) {
  const auto parsed = parse(R"({"items":[{"name":"a","n":7}],"":0,"a/b":1,"m~n":2})");
  const Value& value = *parsed;
  EXPECT_EQ(*value["items"][0]["name"].as_string(), "a");
  EXPECT_EQ(value["items"][0]["n"].as_int(), 7);
  EXPECT_TRUE(value["none"][4]["x"].is_null());
  EXPECT_EQ(value["items"].as_string(), nullptr);
  ASSERT_TRUE(value.find("/items/0/n"));
  EXPECT_EQ(*value.find("/items/0/n"), Value(7));
  EXPECT_EQ(value.find(""), &value);
  EXPECT_EQ(*value.find("/"), Value(0));
  EXPECT_EQ(*value.find("/a~1b"), Value(1));
  EXPECT_EQ(*value.find("/m~0n"), Value(2));
  for (const char* pointer : {"/items/1", "/items/-", "/items/00", "/items/0/n/x", "items", "/m~2n", "/m~"}) EXPECT_FALSE(value.find(pointer)) << pointer;
}

TEST(JsonValue, IsBuiltByHand) {
  Value value = Value::object({{"id", 7}, {"tags", Value::array({"a", true, nullptr, 1.5})}});
  value["extra"]["deep"] = std::uint64_t{18446744073709551615u};
  value["tags"].push_back(Value::object());
  EXPECT_EQ(to_json(value), R"({"id":7,"tags":["a",true,null,1.5,{}],"extra":{"deep":18446744073709551615}})");
  EXPECT_TRUE(value.as_object()->erase("id"));
  EXPECT_FALSE(value.as_object()->erase("id"));
  EXPECT_EQ(value.size(), 2u);
}

TEST(JsonValue, NumbersKnowTheirRange) {
  EXPECT_EQ(Value(5u).as_int(), 5);
  EXPECT_EQ(Value(5).as_uint(), 5u);
  EXPECT_FALSE(Value(-5).as_uint());
  EXPECT_FALSE(Value(18446744073709551615u).as_int());
  EXPECT_FALSE(Value(5.0).as_int());
  EXPECT_EQ(Value(5).as_double(), 5.0);
  EXPECT_FALSE(Value("5").as_double());
  EXPECT_FALSE(Value(1).as_bool());
}

TEST(JsonValue, EqualityIsByMeaning) {
  EXPECT_EQ(*parse(R"({"a":1,"b":2.0})"), *parse(R"({"b":2,"a":1.0})"));
  EXPECT_FALSE(*parse(R"({"a":1})") == *parse(R"({"a":1,"b":2})"));
  EXPECT_FALSE(*parse(R"({"a":1})") == *parse(R"({"b":1})"));
  EXPECT_FALSE(*parse("[1,2]") == *parse("[2,1]"));
  EXPECT_FALSE(Value(9007199254740993) == Value(9007199254740992.0));
  EXPECT_EQ(Value(0), Value(-0.0));
  EXPECT_FALSE(Value(18446744073709551615u) == Value(18446744073709551616.0));
  EXPECT_FALSE(Value(true) == Value(1));
  EXPECT_FALSE(Value() == Value(0));
}

TEST(JsonValue, HugeNumbers) {
  EXPECT_EQ(to_json(*parse("[1e2,123456789012345678901234567890,-0]")), "[100,1.2345678901234568e+29,-0]");
  EXPECT_FALSE(parse("[1e400]").ok());
}

TEST(JsonValue, PrettyForPeople) {
  EXPECT_EQ(to_pretty(*parse(R"({"a":[1,{"b":[]}],"c":{}})")), "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
}

}  // namespace
}  // namespace yun::json
