#include "yun/http/message.hpp"

#include <gtest/gtest.h>

#include "yun/runtime/threads.hpp"

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

TEST(Request, QueryParametersAreDecoded) {
  Request request;
  request.query = "a=1&b=x+y%21&a=2&c&%64=q&e=%zz";
  EXPECT_EQ(request.query_param("a"), "1");
  EXPECT_EQ(request.query_param("b"), "x y!");
  EXPECT_EQ(request.query_param("c"), "");
  EXPECT_EQ(request.query_param("d"), "q");
  EXPECT_EQ(request.query_param("e"), std::nullopt);
  EXPECT_EQ(request.query_param("f"), std::nullopt);
}

Task<void> read_whole_body() {
  Context ctx;
  Body body(std::string("hello"));
  auto all = co_await body.all(ctx, 5);
  EXPECT_TRUE(all.ok());
  auto again = co_await body.all(ctx, 5);
  EXPECT_EQ(*again, "hello");
  auto small = co_await body.all(ctx, 4);
  EXPECT_EQ(http_status(small.error()), 413);
  EXPECT_EQ(small.error().reason(), "body_too_large");
  auto piece = co_await body.next(ctx);
  EXPECT_EQ(**piece, "hello");
  auto end = co_await body.next(ctx);
  EXPECT_FALSE(end->has_value());
}
TEST(Body, InHandIsReadWholeOrAsOnePiece) { runtime::block_on(read_whole_body()); }

TEST(Problem, ThereAndBackAgain) {
  Context ctx;
  const Error error = invalid_argument("bad \"input\"\n").with_violation("/email", "must be an address").with_reason("bad_user");
  const Response response = problem(ctx, error);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.headers.get("content-type"), "application/problem+json");
  EXPECT_EQ(response.headers.get("x-yun-reason"), "bad_user");
  const Error back = error_from(response);
  EXPECT_EQ(back.code(), Code::InvalidArgument);
  EXPECT_EQ(back.message(), error.message());
  EXPECT_EQ(back.reason(), "bad_user");
  ASSERT_EQ(back.violations().size(), 1u);
  EXPECT_EQ(back.violations()[0], error.violations()[0]);
}

TEST(Problem, KeepsRetryAfterAndHidesInternalCauses) {
  Context ctx;
  const Response busy = problem(ctx, unavailable("later").with_retry_after(std::chrono::milliseconds(1500)));
  EXPECT_EQ(busy.headers.get("retry-after"), "2");
  EXPECT_EQ(error_from(busy).retry_after(), std::chrono::seconds(2));
  const Response secret = problem(ctx, internal_error("password=hunter2"));
  EXPECT_EQ(secret.body.bytes().find("hunter2"), std::string_view::npos);
}

TEST(Problem, OfAnotherProgramIsReadAsFarAsItGoes) {
  Response response;
  response.status = 502;
  response.headers.add("content-type", "application/problem+json; charset=utf-8");
  response.body = Body(R"({"type":"x","nested":{"a":[1,{"b":null}]},"detail":"d\u00e9\ud83d\ude00","errors":"odd"})");
  EXPECT_EQ(error_from(response).code(), Code::Unavailable);
  response.body = Body(R"({"extra":[true,{}],"detail":"d\u00e9\ud83d\ude00"})");
  EXPECT_EQ(error_from(response).message(), "d\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(http_status(error_from(response)), 502);
}

}  // namespace
}  // namespace yun::http
