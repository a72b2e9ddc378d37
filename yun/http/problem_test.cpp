#include "yun/http/problem.hpp"

#include <gtest/gtest.h>

namespace yun::http {
namespace {

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

TEST(Problem, HasOneReasonWordEvenIfTheErrorHasNone) {
  Context ctx;
  const Response missing = problem(ctx, not_found("no such thing"));
  EXPECT_EQ(missing.reason, "not_found");
  EXPECT_EQ(missing.headers.get("x-yun-reason"), "not_found");
  EXPECT_EQ(error_from(missing).reason(), "not_found");
  EXPECT_EQ(reason_of(invalid_argument("bad").with_violation("/a", "is required")), "validation");
  EXPECT_EQ(reason_of(invalid_argument("bad")), "invalid_argument");
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
