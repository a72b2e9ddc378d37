#include "yun/http/codec2/response_builder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace yun::http::codec2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Built {
  Response response;
  std::string fault;
  std::int64_t left = 0;
};

Built build(const Fields& fields, Method method = Method::Get, std::size_t max_head = 1000) {
  Built built;
  ResponseBuilder builder;
  builder.begin(method, max_head);
  for (const auto& [name, value] : fields) builder.add(name, value, built.response);
  if (builder.finish()) built.fault = builder.finish();
  built.left = builder.content_left();
  return built;
}

TEST(ResponseBuilder, MakesAResponse) {
  const Built built = build({{":status", "404"}, {"content-length", "12"}, {"set-cookie", "a=1"}, {"set-cookie", "b=2"}});
  EXPECT_EQ(built.fault, "");
  EXPECT_EQ(built.response.status, 404);
  EXPECT_EQ(built.response.headers.size(), 3u);
  EXPECT_EQ(built.response.headers[2].value, "b=2");
  EXPECT_EQ(built.left, 12);
}

TEST(ResponseBuilder, HoldsTheBodyToWhatMethodAndStatusAllow) {
  const Fields fields = {{":status", "200"}, {"content-length", "12"}};
  EXPECT_EQ(build(fields, Method::Head).left, 0);
  EXPECT_EQ(build(fields, Method::Connect).left, -1);
  EXPECT_EQ(build({{":status", "204"}}).left, 0);
  EXPECT_EQ(build({{":status", "304"}, {"content-length", "12"}}).left, 0);
  EXPECT_EQ(build({{":status", "200"}}).left, -1);
}

TEST(ResponseBuilder, RefusesALengthThatIsNone) {
  for (const char* length : {"", "+1", "0x1", "5, 5", "1 ", "1234567890123456789"}) {
    EXPECT_NE(build({{":status", "200"}, {"content-length", length}}).fault, "") << length;
  }
  EXPECT_NE(build({{":status", "200"}, {"content-length", "5"}, {"content-length", "5"}}).fault, "");
}

TEST(ResponseBuilder, RefusesAHeadPastItsLimit) {
  // ":status" with "200" counts 42, "x" with "y" 34.
  EXPECT_EQ(build({{":status", "200"}, {"x", "y"}}, Method::Get, 76).fault, "");
  EXPECT_EQ(build({{":status", "200"}, {"x", "y"}}, Method::Get, 75).fault, "its head is too large");
}

}  // namespace
}  // namespace yun::http::codec2
