#include "yun/http/message.hpp"

#include <gtest/gtest.h>

#include "yun/runtime/threads.hpp"

namespace yun::http {
namespace {

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

}  // namespace
}  // namespace yun::http
