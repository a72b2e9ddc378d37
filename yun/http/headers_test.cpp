#include "yun/http/headers.hpp"

#include <gtest/gtest.h>

namespace yun::http {
namespace {

TEST(Headers, KeepOrderAndLowerCaseNames) {
  Headers headers;
  headers.add("Set-Cookie", "a=1");
  headers.add("X", "Y");
  headers.add("set-cookie", "b=2");
  EXPECT_EQ(headers.get("set-cookie"), "a=1");
  EXPECT_EQ(headers.joined("set-cookie"), "a=1, b=2");
  EXPECT_EQ(headers.get("Set-Cookie"), std::nullopt);
  headers.set("SET-COOKIE", "c=3");
  EXPECT_EQ(headers.joined("set-cookie"), "c=3");
  EXPECT_EQ(headers.size(), 2u);
  headers.remove("x");
  EXPECT_FALSE(headers.has("x"));
}

TEST(Headers, TakeViewsOfTheirOwnText) {
  Headers headers;
  headers.add("first", std::string(100, 'a'));
  for (int i = 0; i < 20; ++i) headers.add("copy", *headers.get("first"));
  headers.set("first", *headers.get("first"));
  EXPECT_EQ(headers.get("first"), std::string(100, 'a'));
  EXPECT_EQ(headers[5].value, std::string(100, 'a'));
}

}  // namespace
}  // namespace yun::http
