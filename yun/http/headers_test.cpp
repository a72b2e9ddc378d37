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

TEST(Headers, HoldEachFieldAsHttp1SendsIt) {
  Headers headers;
  headers.add("Accept", "*/*");
  headers.add_parsed("X-Empty", "");
  EXPECT_EQ(headers.line(0), "accept: */*\r\n");
  EXPECT_EQ(headers.line(1), "x-empty: \r\n");
  EXPECT_EQ(headers.line(0).data() + headers.line(0).size(), headers.line(1).data());
  EXPECT_EQ(headers.text_size(), headers.line(0).size() + headers.line(1).size());
}

TEST(Headers, KnowWhichOfThemMayBeSent) {
  Headers headers;
  headers.add("good", "a\tb \xc3\xa4");
  headers.add("split", "a\r\nset-cookie: b=1");
  headers.add("zero", std::string("a\0b", 3));
  headers.add("bad name", "x");
  headers.add("", "x");
  headers.set("split-too", "\x7f");
  EXPECT_TRUE(headers.is_sendable(0));
  for (std::size_t i = 1; i < headers.size(); ++i) EXPECT_FALSE(headers.is_sendable(i)) << headers[i].name;
}

TEST(Headers, AreCopiedByChoiceAndKeptByChoice) {
  Headers from;
  from.add("a", "1");
  from.add("b", "2\n");
  from.add("c", "3");
  from.remove("a");
  Headers to;
  to.add("old", "x");
  to.assign(from, [](const Headers::Field& field) { return field.name != "c"; });
  ASSERT_EQ(to.size(), 1u);
  EXPECT_EQ(to.get("b"), "2\n");
  EXPECT_FALSE(to.is_sendable(0));
  to.add("d", "4");
  to.keep_if([](const Headers::Field& field) { return field.value == "4"; });
  ASSERT_EQ(to.size(), 1u);
  EXPECT_EQ(to[0].name, "d");
  EXPECT_EQ(from.size(), 2u);
}

}  // namespace
}  // namespace yun::http
