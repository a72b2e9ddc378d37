#include "yun/json/reflect.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace shop {
struct User {
  std::string id, name;
};
template <typename T>
struct Page {
  std::vector<T> items;
};
enum class Status : std::uint8_t { Pending = 1, InTransit = 2, HTTPError = 40 };
}  // namespace shop

namespace yun::json::reflect {
namespace {

enum class Level { kTrace = -1, kInfo, kWarn };
enum class Far { Near = 1, Away = 500 };

struct Inner {
  int x = 0;
};
struct Everything {
  int a = 1;
  std::optional<int> b;
  std::string c;
  std::variant<int, Inner> d;
  std::unique_ptr<Inner> e;
  std::map<std::string, int> f;
  std::array<int, 3> g{};
  std::vector<Inner> h;
  Inner i;
  std::optional<Inner> j;
  std::variant<Inner> k;
  std::optional<std::optional<int>> l;
  std::function<void()> m;
  bool n = false;
  std::string default_;
};
struct Tree {
  std::vector<Tree> kids;
  std::unique_ptr<Tree> next;
};
struct Wide {
  int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3,
      d4, d5, d6, d7, d8, d9, e0, e1, e2, e3, e4, e5, e6, e7;
};

template <typename T>
std::vector<std::string> listed() {
  const auto all = names<T>();
  return {all.begin(), all.end()};
}

TEST(Reflect, NamesOfFieldsInOrder) {
  EXPECT_EQ(listed<shop::User>(), (std::vector<std::string>{"id", "name"}));
  EXPECT_EQ(listed<Everything>(), (std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "default"}));
  EXPECT_EQ(listed<Tree>(), (std::vector<std::string>{"kids", "next"}));
  EXPECT_EQ(listed<Inner>(), (std::vector<std::string>{"x"}));
  EXPECT_EQ(listed<shop::Page<shop::User>>(), (std::vector<std::string>{"items"}));
}

TEST(Reflect, FortyEightFields) {
  static_assert(names<Wide>().size() == 48);
  EXPECT_EQ(names<Wide>()[47], "e7");
}

TEST(Reflect, ForEachReachesTheFieldsThemselves) {
  shop::User user{"1", "ann"};
  for_each(user, [](std::string_view name, std::string& field) { field += name; });
  EXPECT_EQ(user.id, "1id");
  EXPECT_EQ(user.name, "annname");
}

TEST(Reflect, TypeNamesHaveNoScope) {
  EXPECT_EQ(type_name<shop::User>(), "User");
  EXPECT_EQ(type_name<shop::Page<shop::User>>(), "Page_User");
  EXPECT_EQ(type_name<Inner>(), "Inner");
  struct Local {};
  EXPECT_EQ(type_name<Local>(), "Local");
}

TEST(Reflect, EnumNames) {
  EXPECT_EQ(enum_name(shop::Status::InTransit), "in_transit");
  EXPECT_EQ(enum_name(shop::Status::HTTPError), "http_error");
  EXPECT_EQ(enum_name(Level::kTrace), "trace");
  EXPECT_EQ(enum_name(static_cast<Level>(9)), "");
  EXPECT_EQ(enum_table<Level>().entries.size(), 3u);
  ASSERT_TRUE(enum_table<shop::Status>().find("pending"));
  EXPECT_EQ(enum_table<shop::Status>().find("pending")->value, 1);
  EXPECT_FALSE(enum_table<shop::Status>().find("Pending"));
}

}  // namespace

template <>
struct EnumRange<Far> {
  static constexpr int kLowest = 0;
  static constexpr int kHighest = 600;
};

namespace {

TEST(Reflect, EnumRangeCanBeWidened) { EXPECT_EQ(enum_name(Far::Away), "away"); }

TEST(Reflect, SnakeCase) {
  const std::pair<std::string_view, std::string_view> table[] = {{"NotFound", "not_found"}, {"HTTPServer", "http_server"}, {"kIdle", "idle"},
                                                                 {"NOT_FOUND", "not_found"}, {"Http2", "http2"},         {"a", "a"},
                                                                 {"OneTwo3Four", "one_two3_four"}, {"Default_", "default"}, {"OK", "ok"}};
  for (const auto& [name, snake] : table) EXPECT_EQ(to_snake_case(name), snake);
}

}  // namespace
}  // namespace yun::json::reflect
