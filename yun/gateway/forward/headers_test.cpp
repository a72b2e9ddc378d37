#include "yun/gateway/forward/headers.hpp"

#include <gtest/gtest.h>

using namespace yun;
using namespace yun::gateway;

namespace {
http::Request request_from(std::string_view peer) {
  http::Request request;
  request.peer = *runtime::Address::parse(peer);
  request.authority = "shop.test";
  return request;
}
const std::vector<Cidr> kTrusted = {*Cidr::parse("10.0.0.0/8")};
}  // namespace

TEST(ForwardHeaders, AClientsIdentityHeadersNeverPass) {
  Context ctx;
  auto request = request_from("192.0.2.1:5");
  request.headers.add("x-user-id", "admin");
  request.headers.add("x-forwarded-for", "1.2.3.4");
  http::Headers out;
  prepare_headers(ctx, request, out, kTrusted);
  EXPECT_FALSE(out.has("x-user-id"));
  EXPECT_EQ(out.get("x-forwarded-for"), "192.0.2.1");
  ctx.set_subject("u1");
  http::Headers again;
  prepare_headers(ctx, request, again, kTrusted);
  EXPECT_EQ(again.get("x-user-id"), "u1");
}

TEST(ForwardHeaders, ATrustedProxysChainGoesOn) {
  Context ctx;
  auto request = request_from("10.0.0.9:5");
  request.headers.add("x-forwarded-for", "192.0.2.7, 10.0.0.1");
  request.headers.add("x-forwarded-proto", "https");
  http::Headers out;
  prepare_headers(ctx, request, out, kTrusted);
  EXPECT_EQ(out.get("x-forwarded-for"), "192.0.2.7, 10.0.0.1, 10.0.0.9");
  EXPECT_EQ(out.get("x-forwarded-proto"), "https");
}

TEST(ForwardHeaders, TheClientIsTheLastAddressThatIsNoTrustedProxy) {
  auto request = request_from("10.0.0.9:5");
  request.headers.add("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.0.0.1");
  EXPECT_EQ(client_address(request, kTrusted), "192.0.2.7");
  request.headers.set("x-forwarded-for", "rubbish, 10.0.0.1");
  EXPECT_EQ(client_address(request, kTrusted), "10.0.0.1");
  auto direct = request_from("192.0.2.1:5");
  direct.headers.add("x-forwarded-for", "1.2.3.4");
  EXPECT_EQ(client_address(direct, kTrusted), "192.0.2.1");
}

TEST(ForwardHeaders, HopByHopFieldsAndThoseThatConnectionListsStay) {
  http::Headers in;
  in.add("connection", "close, X-Secret, x-user-id");
  in.add("x-secret", "1");
  in.add("x-user-id", "u1");
  in.add("te", "trailers");
  in.add("accept", "*/*");
  keep_end_to_end(in);
  EXPECT_FALSE(in.has("connection"));
  EXPECT_FALSE(in.has("x-secret"));
  EXPECT_FALSE(in.has("te"));
  EXPECT_EQ(in.get("x-user-id"), "u1");
  EXPECT_EQ(in.get("accept"), "*/*");
}

TEST(ForwardHeaders, EveryHopByHopFieldAndAllThatTheGatewaySetsAreNoClientsToSend) {
  Context ctx;
  ctx.set_request_id("r1");
  auto request = request_from("192.0.2.1:5");
  for (const char* name : {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "expect",
                           "forwarded", "x-user-id", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "host", "content-length"})
    request.headers.add(name, "evil");
  request.headers.add("x-kept", "1");
  http::Headers out;
  prepare_headers(ctx, request, out, kTrusted);
  std::string all;
  for (const auto field : out) all += std::string(field.name) + "=" + std::string(field.value) + ";";
  EXPECT_EQ(all, "x-kept=1;x-forwarded-for=192.0.2.1;x-forwarded-proto=http;x-forwarded-host=shop.test;x-request-id=r1;");
}
