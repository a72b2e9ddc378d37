#include "yun/json/read.hpp"

#include <gtest/gtest.h>

#include "yun/json/write.hpp"

namespace yun::json {
namespace {
struct Price { std::int64_t amount = 0; std::string currency; };
struct Product { std::string id; std::string name; Price price; std::optional<int> stock; std::vector<std::string> tags; };
TEST(Read, Smoke) {
  auto p = read<Product>(R"({"id":"1","name":"a\"b","price":{"amount":9007199254740993,"currency":"EUR"},"tags":["x","y"]})");
  ASSERT_TRUE(p.ok()) << p.error().to_string();
  EXPECT_EQ(to_json(*p), R"({"id":"1","name":"a\"b","price":{"amount":9007199254740993,"currency":"EUR"},"stock":null,"tags":["x","y"]})");
  auto q = read<Product>(R"({"id":1,"name":"a\"b","price":{"amount":"5","currency":"EUR"},"tags":["x",2]})");
  ASSERT_FALSE(q.ok());
  EXPECT_EQ(q.error().violations().size(), 3u);
}
}
}
