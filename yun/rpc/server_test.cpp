#include "yun/rpc/server.hpp"

#include <gtest/gtest.h>

#include "grpc/health/v1/health.pb.h"
#include "testing/shapes_service.hpp"
#include "yun/rpc/framing.hpp"
#include "yun/rpc/status.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::rpc {
namespace {

using testing::Shape;

std::string frame_of(const MessageLite& message) {
  std::string frame;
  EXPECT_TRUE(detail::append_frame(message, frame).ok());
  return frame;
}

http::Request request_to(std::string_view path, std::string body) {
  http::Request request;
  request.method = http::Method::Post;
  request.version = http::Version::Http2;
  request.path = request.target = std::string(path);
  request.headers.add("content-type", "application/grpc");
  request.headers.add("te", "trailers");
  request.body = http::Body(std::move(body));
  return request;
}

Task<void> handle(Server& server, Context& ctx, http::Request& request, http::Response& response) {
  auto task = server.handle(ctx, request, response);
  if (task) co_await std::move(task);
}

/// One call straight into the handler.
http::Response answer(Server& server, http::Request request) {
  http::Response response;
  Context ctx;
  runtime::block_on(handle(server, ctx, request, response));
  return response;
}

Result<void> status_of(const http::Response& response) {
  auto in_head = read_status(response.headers);
  if (in_head) return std::move(*in_head);
  auto behind = read_status(response.trailers);
  return behind ? std::move(*behind) : Result<void>(Error(Code::Unknown, "no status"));
}

struct ServerTest : ::testing::Test {
  ServerTest() { server.add(service); }
  static constexpr const char* kInfo = "/yun.rpc.testing.Shapes/GetHTTPInfo";
  testing::ShapesService service;
  observe::metrics::Registry registry;
  Server server{{.registry = &registry}};
};

TEST_F(ServerTest, UnaryAnswersOneFrameAndAStatusBehindIt) {
  Shape shape;
  shape.set_string_field("hello");
  http::Request request = request_to(kInfo, frame_of(shape));
  request.headers.add("x-tenant", "blue");
  http::Response response = answer(server, std::move(request));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("content-type"), "application/grpc");
  EXPECT_EQ(response.headers.get("x-initial"), "first");
  EXPECT_EQ(response.trailers.get("grpc-status"), "0");
  EXPECT_EQ(response.trailers.get("x-trailing-bin"), "AAE");
  FrameReader frames(1000);
  frames.feed_all(response.body.bytes());
  auto message = frames.next();
  ASSERT_TRUE(message.ok() && *message);
  Shape back;
  ASSERT_TRUE(detail::parse(**message, back).ok());
  EXPECT_EQ(back.string_field(), "hello");
  EXPECT_EQ(back.words(0), "blue");
}

TEST_F(ServerTest, WhatIsNoGrpcIsRefusedByHttp) {
  http::Request json = request_to(kInfo, "{}");
  json.headers.set("content-type", "application/json");
  EXPECT_EQ(answer(server, std::move(json)).status, 415);
  http::Request odd = request_to(kInfo, "");
  odd.headers.set("content-type", "application/grpc-web");
  EXPECT_EQ(answer(server, std::move(odd)).status, 415);
  http::Request get = request_to(kInfo, "");
  get.method = http::Method::Get;
  EXPECT_EQ(answer(server, std::move(get)).status, 405);
  http::Request proto = request_to(kInfo, frame_of(Shape()));
  proto.headers.set("content-type", "application/grpc+proto; charset=x");
  EXPECT_TRUE(status_of(answer(server, std::move(proto))).ok());
}

TEST_F(ServerTest, UnknownMethodAndServiceAreUnimplemented) {
  for (const char* path : {"/yun.rpc.testing.Shapes/Nothing", "/no.Service/GetHTTPInfo", "/", ""}) {
    auto status = status_of(answer(server, request_to(path, "")));
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), Code::Unimplemented) << path;
  }
  EXPECT_EQ(status_of(answer(server, request_to("/yun.rpc.testing.Shapes/Delete", frame_of(Shape())))).error().code(), Code::Unimplemented);
  EXPECT_NE(registry.render().find(R"(rpc_server_requests_total{service="unknown",method="unknown",code="UNIMPLEMENTED"} 4)"), std::string::npos)
      << registry.render();
}

TEST_F(ServerTest, MessageOverTheLimitIsResourceExhausted) {
  Shape shape;
  shape.set_string_field(std::string(4_MiB, 'x'));
  auto status = status_of(answer(server, request_to(kInfo, frame_of(shape))));
  EXPECT_EQ(status.error().code(), Code::ResourceExhausted);
  std::string bomb = frame_of(shape);
  compress_frame(bomb);
  http::Request request = request_to(kInfo, std::move(bomb));
  request.headers.add("grpc-encoding", "gzip");
  EXPECT_EQ(status_of(answer(server, std::move(request))).error().code(), Code::ResourceExhausted);
}

TEST_F(ServerTest, ErrorsCarryTheirDetailsInTheHead) {
  http::Response response = answer(server, request_to("/yun.rpc.testing.Shapes/Fails", frame_of(Shape())));
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(response.headers.get("x-trailing"), "after");
  auto status = status_of(response);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::InvalidArgument);
  EXPECT_EQ(status.error().message(), "bad shape \xe4\xba\x91");
  EXPECT_EQ(status.error().violations().at(0).pointer, "/inners/0/text");
  EXPECT_EQ(status.error().reason(), "shape_invalid");
  EXPECT_EQ(response.reason, "shape_invalid");
}

TEST_F(ServerTest, ExceptionIsInternalAndKeepsItsWordsToItself) {
  auto status = status_of(answer(server, request_to("/yun.rpc.testing.Shapes/Throws", frame_of(Shape()))));
  EXPECT_EQ(status.error().code(), Code::Internal);
  EXPECT_EQ(status.error().message().find("secret"), std::string::npos);
  EXPECT_NE(registry.render().find("rpc_server_exceptions_total{service=\"yun.rpc.testing.Shapes\",method=\"Throws\"} 1"), std::string::npos);
}

TEST_F(ServerTest, MalformedFramesAreInternal) {
  EXPECT_EQ(status_of(answer(server, request_to(kInfo, ""))).error().code(), Code::Internal);
  EXPECT_EQ(status_of(answer(server, request_to(kInfo, std::string("\0\0\0\0\x05" "ab", 7)))).error().code(), Code::Internal);
  EXPECT_EQ(status_of(answer(server, request_to(kInfo, std::string("\0\0\0\0\x01\xff", 6)))).error().code(), Code::Internal);
  EXPECT_EQ(status_of(answer(server, request_to(kInfo, frame_of(Shape()) + frame_of(Shape())))).error().code(), Code::Internal);
}

TEST_F(ServerTest, BadHeadsAreRefused) {
  http::Request timeout = request_to(kInfo, frame_of(Shape()));
  timeout.headers.add("grpc-timeout", "soon");
  EXPECT_EQ(status_of(answer(server, std::move(timeout))).error().code(), Code::InvalidArgument);
  http::Request encoding = request_to(kInfo, frame_of(Shape()));
  encoding.headers.add("grpc-encoding", "snappy");
  http::Response refused = answer(server, std::move(encoding));
  EXPECT_EQ(status_of(refused).error().code(), Code::Unimplemented);
  EXPECT_EQ(refused.headers.get("grpc-accept-encoding"), "identity,gzip");
}

TEST_F(ServerTest, DeadlineReachesTheMethod) {
  http::Request request = request_to("/yun.rpc.testing.Shapes/Wait", frame_of(Shape()));
  request.headers.add("grpc-timeout", "20m");
  EXPECT_EQ(status_of(answer(server, std::move(request))).error().code(), Code::DeadlineExceeded);
  EXPECT_EQ(service.stopped_with, Code::DeadlineExceeded);
}

TEST_F(ServerTest, GzipIsMirrored) {
  Shape shape;
  shape.set_string_field(std::string(5000, 'a'));
  std::string frame = frame_of(shape);
  compress_frame(frame);
  http::Request request = request_to(kInfo, std::move(frame));
  request.headers.add("grpc-encoding", "gzip");
  request.headers.add("grpc-accept-encoding", "identity, gzip");
  http::Response response = answer(server, std::move(request));
  ASSERT_TRUE(status_of(response).ok());
  EXPECT_EQ(response.headers.get("grpc-encoding"), "gzip");
  EXPECT_LT(response.body.bytes().size(), 500u);
}

TEST_F(ServerTest, ClientStreamIsAnsweredOnce) {
  Shape shape;
  shape.set_int32_field(20);
  const std::string frame = frame_of(shape);
  http::Response response = answer(server, request_to("/yun.rpc.testing.Shapes/Sum", frame + frame + frame));
  ASSERT_TRUE(status_of(response).ok());
  FrameReader frames(100);
  frames.feed_all(response.body.bytes());
  Shape sum;
  ASSERT_TRUE(detail::parse(**frames.next(), sum).ok());
  EXPECT_EQ(sum.int32_field(), 60);
}

TEST_F(ServerTest, HealthFollowsReadiness) {
  namespace v1 = ::grpc::health::v1;
  const auto check = [&](const char* service_name) {
    v1::HealthCheckRequest request;
    request.set_service(service_name);
    return answer(server, request_to("/grpc.health.v1.Health/Check", frame_of(request)));
  };
  const auto state = [&](const char* service_name) {
    http::Response response = check(service_name);
    v1::HealthCheckResponse health;
    EXPECT_TRUE(detail::parse(response.body.bytes().substr(kFrameHead), health).ok());
    return health.status();
  };
  EXPECT_EQ(state(""), v1::HealthCheckResponse::SERVING);
  EXPECT_EQ(state("yun.rpc.testing.Shapes"), v1::HealthCheckResponse::SERVING);
  EXPECT_EQ(status_of(check("no.Service")).error().code(), Code::NotFound);
  server.health().set_serving(false);
  EXPECT_EQ(state(""), v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(state("yun.rpc.testing.Shapes"), v1::HealthCheckResponse::NOT_SERVING);
}

TEST_F(ServerTest, TwoServicesOfOneNameAreABug) {
  testing::ShapesService again;
  EXPECT_THROW(server.add(again), std::logic_error);
}

}  // namespace
}  // namespace yun::rpc
