#include "yun/http/codec1/target.hpp"

#include <gtest/gtest.h>

namespace yun::http::codec1 {
namespace {

std::string path_of(std::string_view target) {
  std::string path;
  std::string query;
  const ParseError* error = split_target(target, path, query);
  return error ? std::string(error->reason) : query.empty() ? path : path + " ? " + query;
}

TEST(Target, IsSplitAtTheFirstQuestionMark) {
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/a?b=c&d?e"), "/a ? b=c&d?e");
  EXPECT_EQ(path_of("/a?"), "/a");
  EXPECT_EQ(path_of("/a?%zz/../%2f"), "/a ? %zz/../%2f") << "a query is the handler's to read";
}

TEST(Target, DecodesUnreservedCharactersOnly) {
  EXPECT_EQ(path_of("/%41%7e%2D%5f"), "/A~-_");
  EXPECT_EQ(path_of("/a%20b%3f%c3%a4%25"), "/a%20b%3F%C3%A4%25");
  EXPECT_EQ(path_of("/%252e%252e/"), "/%252e%252e/") << "decoded once, never twice";
}

TEST(Target, ResolvesDotSegmentsAndDoubledSlashes) {
  EXPECT_EQ(path_of("/a/./b/../c"), "/a/c");
  EXPECT_EQ(path_of("/a/%2e%2e/b"), "/b");
  EXPECT_EQ(path_of("/a/b/.."), "/a/");
  EXPECT_EQ(path_of("/a/."), "/a/");
  EXPECT_EQ(path_of("/a/.."), "/");
  EXPECT_EQ(path_of("//a///b//"), "/a/b/");
  EXPECT_EQ(path_of("//"), "/");
  EXPECT_EQ(path_of("/.hidden/..x/a..b"), "/.hidden/..x/a..b");
  EXPECT_EQ(path_of("/.."), "path_above_root");
  EXPECT_EQ(path_of("/a//../.."), "path_above_root");
}

}  // namespace
}  // namespace yun::http::codec1
