#include "yun/json/schema.hpp"

#include <gtest/gtest.h>

#include <set>

#include "yun/json/write.hpp"

namespace other {
struct Money {
  int cents = 0;
};
}  // namespace other

namespace yun::json {
namespace {

enum class Status { Pending, Done };
struct Money {
  std::int64_t amount = 0;
  std::string currency;
  static void rules(Rules<Money>& r) { r.field(&Money::currency).pattern("^[A-Z]{3}$"); }
};
struct Order {
  std::string email;
  Status status{};
  std::optional<Status> before;
  Money total;
  std::optional<Money> discount;
  std::vector<std::string> tags;
  std::map<std::string, double> weights;
  std::optional<int> rank;
  Time created_at;
  std::uint8_t level = 0;
  Value extra;
  static void rules(Rules<Order>& r) {
    r.field(&Order::email).email().max_length(254);
    r.field(&Order::tags).min_items(1).max_items(10);
    r.each(&Order::tags).not_blank();
    r.field(&Order::rank).between(1, 5);
    r.field(&Order::weights).max_items(3);
  }
};
struct Node {
  std::vector<Node> kids;
};
struct Circle {
  double radius = 0;
};
struct Square {
  double side = 0;
};
struct Drawing {
  static constexpr bool kDefaults = true;
  std::variant<Circle, Square> shape;
  std::set<std::string> names;
};

TEST(Schema, StructWithRules) {
  Schemas schemas("#/components/schemas/");
  EXPECT_EQ(to_json(schemas.add<Order>()), R"({"$ref":"#/components/schemas/Order"})");
  const Value order = schemas.components().find("Order") ? *schemas.components().find("Order") : Value();
  const Value& properties = order["properties"];
  EXPECT_EQ(to_json(properties["email"]), R"({"type":"string","maxLength":254,"format":"email"})");
  EXPECT_EQ(to_json(properties["status"]), R"({"type":"string","enum":["pending","done"]})");
  EXPECT_EQ(to_json(properties["before"]), R"({"type":["string","null"],"enum":["pending","done",null]})");
  EXPECT_EQ(to_json(properties["total"]), R"({"$ref":"#/components/schemas/Money"})");
  EXPECT_EQ(to_json(properties["discount"]), R"({"anyOf":[{"$ref":"#/components/schemas/Money"},{"type":"null"}]})");
  EXPECT_EQ(to_json(properties["tags"]),
            R"({"type":"array","items":{"type":"string","minLength":1,"pattern":"\\S"},"minItems":1,"maxItems":10})");
  EXPECT_EQ(to_json(properties["weights"]),
            R"({"type":"object","additionalProperties":{"type":"number","format":"double"},"maxProperties":3})");
  EXPECT_EQ(to_json(properties["rank"]), R"({"type":["integer","null"],"format":"int32","minimum":1,"maximum":5})");
  EXPECT_EQ(to_json(properties["created_at"]), R"({"type":"string","format":"date-time"})");
  EXPECT_EQ(to_json(properties["level"]), R"({"type":"integer","minimum":0,"maximum":255})");
  EXPECT_EQ(to_json(properties["extra"]), "{}");
  EXPECT_EQ(to_json(order["required"]), R"(["email","status","total","tags","weights","created_at","level","extra"])");
  EXPECT_EQ(to_json((*schemas.components().find("Money"))["properties"]["amount"]), R"({"type":"integer","format":"int64"})");
}

TEST(Schema, ATypeThatHoldsItselfEnds) {
  EXPECT_EQ(to_json(schema<Node>()),
            R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$ref":"#/$defs/Node","$defs":{"Node":{"type":"object",)"
            R"("properties":{"kids":{"type":"array","items":{"$ref":"#/$defs/Node"}}},"required":["kids"]}}})");
}

TEST(Schema, TwoTypesOfOneNameAreToldApart) {
  Schemas schemas;
  EXPECT_EQ(to_json(schemas.add<Money>()), R"({"$ref":"#/$defs/Money"})");
  EXPECT_EQ(to_json(schemas.add<other::Money>()), R"({"$ref":"#/$defs/Money2"})");
  EXPECT_EQ(to_json(schemas.add<Money>()), R"({"$ref":"#/$defs/Money"})");
  EXPECT_EQ(schemas.components().size(), 2u);
}

TEST(Schema, VariantsAreOneOfWithADiscriminator) {
  Schemas schemas;
  (void)schemas.add<Drawing>();
  const Value& drawing = *schemas.components().find("Drawing");
  EXPECT_TRUE(drawing["required"].is_null());
  const Value& shape = drawing["properties"]["shape"];
  EXPECT_EQ(to_json(shape["discriminator"]), R"({"propertyName":"type"})");
  EXPECT_EQ(to_json(shape["oneOf"][1]), R"({"allOf":[{"$ref":"#/$defs/Square"},{"type":"object","properties":{"type":{"const":"square"}},)"
                                        R"("required":["type"]}]})");
  EXPECT_EQ(to_json(drawing["properties"]["names"]), R"({"type":"array","items":{"type":"string"},"uniqueItems":true})");
}

TEST(Schema, Scalars) {
  Schemas schemas;
  EXPECT_EQ(to_json(schemas.add<std::int8_t>()), R"({"type":"integer","minimum":-128,"maximum":127})");
  EXPECT_EQ(to_json(schemas.add<std::uint64_t>()), R"({"type":"integer","minimum":0})");
  EXPECT_EQ(to_json(schemas.add<std::uint32_t>()), R"({"type":"integer","minimum":0,"maximum":4294967295})");
  EXPECT_EQ(to_json(schemas.add<bool>()), R"({"type":"boolean"})");
  EXPECT_EQ(to_json(schemas.add<std::array<float, 2>>()),
            R"({"type":"array","items":{"type":"number","format":"float"},"minItems":2,"maxItems":2})");
  EXPECT_EQ(to_json(schemas.add<std::variant<std::string, int>>()),
            R"({"oneOf":[{"type":"string"},{"type":"integer","format":"int32"}]})");
}

}  // namespace
}  // namespace yun::json
