#include "yun/gateway/route/match.hpp"

#include <gtest/gtest.h>

using namespace yun;
using namespace yun::gateway;

namespace {
bool fits(std::string_view pattern, std::string_view path) { return PathPattern::parse(pattern)->fits(path, nullptr); }
std::string fault(std::string_view text) {
  auto match = Match::parse(text);
  return match ? "none" : match.error().message();
}
}  // namespace

TEST(PathPattern, AStarTakesTheFolderItselfAndAllBelow) {
  EXPECT_TRUE(fits("/api/*", "/api"));
  EXPECT_TRUE(fits("/api/*", "/api/"));
  EXPECT_TRUE(fits("/api/*", "/api/users/1"));
  EXPECT_FALSE(fits("/api/*", "/apix"));
  EXPECT_TRUE(fits("/*", "/"));
}

TEST(PathPattern, AParameterTakesExactlyOneSegment) {
  EXPECT_TRUE(fits("/users/{id}", "/users/42"));
  EXPECT_FALSE(fits("/users/{id}", "/users/"));
  EXPECT_FALSE(fits("/users/{id}", "/users"));
  EXPECT_FALSE(fits("/users/{id}", "/users/42/orders"));
  std::vector<std::string_view> values;
  EXPECT_TRUE(PathPattern::parse("/u/{a}/o/{b}")->fits("/u/1/o/2", &values));
  EXPECT_EQ(values, (std::vector<std::string_view>{"1", "2"}));
}

TEST(PathPattern, AnExactPathIsExact) {
  EXPECT_TRUE(fits("/health", "/health"));
  EXPECT_FALSE(fits("/health", "/health/"));
  EXPECT_TRUE(fits("/", "/"));
  EXPECT_FALSE(fits("/", "/a"));
}

TEST(Match, ReadsEveryCondition) {
  auto match = Match::parse("host(API.example.com, *.shop.test) && path(/api/users/*) && method(GET, POST) && header(X-Canary, yes) && query(debug)");
  ASSERT_TRUE(match) << match.error().message();
  EXPECT_TRUE(match->fits_host("api.example.com:8080"));
  EXPECT_TRUE(match->fits_host("a.shop.test"));
  EXPECT_FALSE(match->fits_host("shop.test"));
  EXPECT_FALSE(match->fits_host("evilshop.test"));
  EXPECT_TRUE(match->fits_method("POST"));
  EXPECT_TRUE(match->fits_method("HEAD"));
  EXPECT_FALSE(match->fits_method("DELETE"));
  http::Request request;
  request.headers.add("x-canary", "yes");
  request.query = "debug=";
  EXPECT_TRUE(match->fits_fields(request));
  request.headers.set("x-canary", "no");
  EXPECT_FALSE(match->fits_fields(request));
}

TEST(Match, FaultsSayWhereAndWhatWasMeant) {
  EXPECT_EQ(fault("path(/a) && pth(/b)"), "at 13: unknown condition \"pth\"; did you mean \"path\"?");
  EXPECT_EQ(fault("path(/a"), "at 5: '(' is not closed");
  EXPECT_EQ(fault("path(a)"), "at 1: path \"a\" must begin with '/'");
  EXPECT_EQ(fault("path(/a) path(/b)"), "at 10: expected && between conditions");
  EXPECT_EQ(fault("path(/a) && path(/b)"), "at 13: path() is given twice; list the values in one");
  EXPECT_EQ(fault("method(GTE)"), "at 1: unknown method \"GTE\"; did you mean \"GET\"?");
  EXPECT_EQ(fault(""), "at 1: expected a condition such as path(/api/*)");
}

TEST(Match, TextOutranksAParameterAndAParameterAPrefix) {
  const auto rank = [](std::string_view text) { return Match::parse(text)->rank(); };
  EXPECT_GT(rank("path(/users/me)"), rank("path(/users/{id})"));
  EXPECT_GT(rank("path(/users/{id})"), rank("path(/users/*)"));
  EXPECT_GT(rank("path(/users/list/*)"), rank("path(/users/*)"));
  EXPECT_GT(rank("host(a.test) && path(/*)"), rank("path(/users/me)"));
  EXPECT_GT(rank("path(/users) && method(GET)"), rank("path(/users)"));
}
