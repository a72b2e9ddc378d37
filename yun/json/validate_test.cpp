#include "yun/json/validate.hpp"

#include <gtest/gtest.h>

#include <map>

#include "yun/json/read.hpp"

namespace yun::json {
namespace {

using Violations = std::vector<FieldViolation>;

struct Line {
  std::string product_id;
  int quantity = 1;
  static void rules(Rules<Line>& r) {
    r.field(&Line::product_id).not_blank();
    r.field(&Line::quantity).between(1, 1000);
  }
};
struct Order {
  std::string email;
  std::vector<Line> items;
  std::optional<int> rank;
  std::vector<std::string> tags;
  std::map<std::string, Line> extra;
  std::optional<Line> gift;
  std::int64_t low = 0;
  std::int64_t high = 0;
  static void rules(Rules<Order>& r) {
    r.field(&Order::email).email().max_length(30);
    r.field(&Order::items).min_items(1).max_items(3);
    r.field(&Order::rank).min(1);
    r.field(&Order::tags).max_items(2);
    r.each(&Order::tags).max_length(3);
    r.check("/high", [](const Order& order) { return order.low <= order.high; }, "must not be below low");
  }
};
struct Texts {
  static constexpr bool kDefaults = true;
  std::string code = "ABC";
  std::string colour = "red";
  std::string word = "hello";
  double ratio = 0.5;
  std::uint64_t big = 0;
  static void rules(Rules<Texts>& r) {
    r.field(&Texts::code).pattern("^[A-Z]{3}$");
    r.field(&Texts::colour).one_of({"red", "green"});
    r.field(&Texts::word).min_length(2).max_length(5);
    r.field(&Texts::ratio).max(1.5);
    r.field(&Texts::big).max(18446744073709551614u);
  }
};

Violations faults(std::string_view text) {
  const auto result = read<Order>(text, {.missing = Missing::UseDefault});
  return result.ok() ? Violations() : result.error().violations();
}

template <typename T>
Violations broken(const T& value) {
  const auto result = validate(value);
  return result.ok() ? Violations() : result.error().violations();
}

Order good() { return {"ann@example.org", {{"p", 1}}, {}, {}, {}, {}, 0, 0}; }

TEST(Validate, AGoodValuePasses) { EXPECT_TRUE(validate(good()).ok()); }

TEST(Validate, NestedFaultsHaveFullPointers) {
  Order order = good();
  order.email = "nonsense";
  order.items = {{"p", 0}, {" ", 5}};
  order.rank = 0;
  order.tags = {"abc", "abcd"};
  order.extra["k/1"] = {"p", 1001};
  order.gift = Line{"", 1};
  EXPECT_EQ(broken(order), (Violations{{"/email", "must be an e-mail address"},
                                       {"/rank", "must be at least 1"},
                                       {"/tags/1", "must have at most 3 characters"},
                                       {"/items/0/quantity", "must be between 1 and 1000"},
                                       {"/items/1/product_id", "must not be blank"},
                                       {"/extra/k~11/quantity", "must be between 1 and 1000"},
                                       {"/gift/product_id", "must not be blank"}}));
}

TEST(Validate, ChecksSeeTheWholeValue) {
  Order order = good();
  order.low = 5;
  EXPECT_EQ(broken(order), (Violations{{"/high", "must not be below low"}}));
}

TEST(Validate, NumbersOfItems) {
  Order order = good();
  order.items.clear();
  EXPECT_EQ(broken(order), (Violations{{"/items", "must have at least 1 item"}}));
  order.items.assign(4, {"p", 1});
  EXPECT_EQ(broken(order), (Violations{{"/items", "must have at most 3 items"}}));
}

TEST(Validate, TypeFaultsAndRuleFaultsComeTogether) {
  EXPECT_EQ(faults(R"({"email":"x","items":[{"product_id":"","quantity":"2"},{"quantity":0}],"low":9})"),
            (Violations{{"/items/0/quantity", "must be an integer"},
                        {"/email", "must be an e-mail address"},
                        {"/items/0/product_id", "must not be blank"},
                        {"/items/1/product_id", "must not be blank"},
                        {"/items/1/quantity", "must be between 1 and 1000"}}))
      << "the check on the whole is not asked, as a part could not be read";
}

TEST(Validate, WhatCouldNotBeReadIsNotJudged) {
  const auto order = read<Order>(R"({"email":5,"items":7,"low":0,"high":0,"tags":[],"extra":{}})");
  ASSERT_FALSE(order.ok());
  EXPECT_EQ(order.error().violations(), (Violations{{"/email", "must be a string"}, {"/items", "must be an array"}}));
  const auto missing = read<Line>("{}");
  EXPECT_EQ(missing.error().violations(), (Violations{{"/product_id", "is required"}, {"/quantity", "is required"}}));
}

TEST(Validate, TextRules) {
  EXPECT_TRUE(validate(Texts{}).ok());
  EXPECT_EQ(broken(Texts{.code = "AB1"}), (Violations{{"/code", "must match ^[A-Z]{3}$"}}));
  EXPECT_EQ(broken(Texts{.colour = "blue"}), (Violations{{"/colour", "must be one of: red, green"}}));
  EXPECT_EQ(broken(Texts{.word = "x"}), (Violations{{"/word", "must have at least 2 characters"}}));
  EXPECT_EQ(broken(Texts{.ratio = 1.75}), (Violations{{"/ratio", "must be at most 1.5"}}));
  EXPECT_EQ(broken(Texts{.big = 18446744073709551615u}), (Violations{{"/big", "must be at most 18446744073709551614"}}));
  EXPECT_EQ(broken(Texts{.code = std::string(1'000'000, 'A')}).size(), 1u);
}

TEST(Validate, LengthIsInCodePoints) { EXPECT_TRUE(validate(Texts{.word = "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd\xf0\x9f\x98\x80"}).ok()); }

TEST(Validate, EmailAddresses) {
  const auto accepted = [](std::string address) {
    Order order = good();
    order.email = std::move(address);
    return validate(order).ok();
  };
  for (const char* address : {"a@b.co", "first.last+tag@sub.example.org", "o'neil@x-y.io", "1@2.3"}) EXPECT_TRUE(accepted(address)) << address;
  for (const char* address : {"", "a", "@b.co", "a@", "a@b", "a b@c.de", "a@b..co", "a@-b.co", "a@b-.co", ".a@b.co", "a.@b.co", "a..b@c.de",
                              "a@b@c.de", "a@b.co.", "a@b_c.de", "a\n@b.co", "<a@b.co>"})
    EXPECT_FALSE(accepted(address)) << address;
}

}  // namespace
}  // namespace yun::json
