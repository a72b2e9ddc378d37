// The HTTP/2 client against servers that misbehave, by their bytes. What a good one does is in http2_test.cpp and client_live_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>

#include "yun/http/client/client.hpp"
#include "yun/http/client/peer_for_tests.hpp"
#include "yun/http/codec2/session_testing.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;
using namespace yun::http::codec2;
using client::Peer;

namespace {

constexpr std::uint8_t kEnd = flag::kEndHeaders | flag::kEndStream;
/// A client's preface and its first request come in one write: the request is there when this is.
const std::string kFirst = "SM\r\n\r\n";

std::string literal(std::string_view name, std::string_view value) {
  return std::string(1, '\0').append(1, static_cast<char>(name.size())).append(name).append(1, static_cast<char>(value.size())).append(value);
}
std::string settings(std::string_view payload = "") { return frame(FrameType::Settings, 0, 0, payload); }
std::string head(std::string_view fields, std::uint8_t flags, std::uint32_t stream = 1) { return frame(FrameType::Headers, flags, stream, fields); }
std::string data(std::string_view bytes, std::uint8_t flags = 0) { return frame(FrameType::Data, flags, 1, bytes); }
std::string rst(ErrorCode code) { return frame(FrameType::RstStream, 0, 1, four(static_cast<std::uint32_t>(code))); }
const std::string kStatus200 = "\x88";

struct Got {
  int status = 0;
  std::string body;
  std::string why;
  std::string trailer;
  std::size_t connections = 0;
  std::size_t sent = 0;  ///< of the body's bytes
};

Client::Options options() {
  Client::Options options;
  options.http2 = Http2::PriorKnowledge;
  options.max_response_head = 1000;
  return options;
}

/// Of a body of z's.
std::size_t sent_of(const Peer& peer) { return static_cast<std::size_t>(std::count(peer.received().begin(), peer.received().end(), 'z')); }

Task<Got> exchange(Peer::Script script, std::size_t body, std::size_t wait_for) {
  Peer peer(std::move(script), kFirst);
  Client client(options());
  Context root;
  Context ctx(root, 5s);
  Got got;
  {
    Request request = *make_request(body > 0 ? Method::Post : Method::Get, "http://" + peer.address().to_string() + "/");
    request.body = Body(std::string(body, 'z'));
    auto response = co_await client.send(ctx, std::move(request));
    if (!response) {
      got.why = response.error().reason();
    } else {
      got.status = response->status;
      auto all = co_await response->body.all(ctx, 1_MiB);
      if (all) got.body = *all;
      if (!all) got.why = all.error().reason();
      if (response->body.trailers()) got.trailer = std::string(response->body.trailers()->get("x").value_or(""));
    }
  }
  while (sent_of(peer) < wait_for && ctx.check()) (void)co_await runtime::yield_now();
  got.sent = sent_of(peer);
  got.connections = peer.connections();
  co_await peer.stop();
  co_return got;
}
Got fetch(Peer::Script script, std::size_t body = 0, std::size_t wait_for = 0) {
  return runtime::block_on(exchange(std::move(script), body, wait_for));
}

const std::string kOk = head(kStatus200, flag::kEndHeaders) + data("ok", flag::kEndStream);

}  // namespace

TEST(ClientConnection2, ReadsAnAnswerWithInterimHeadsAndTrailers) {
  const Got got = fetch({{settings() + head(literal(":status", "103") + literal("link", "a"), flag::kEndHeaders) + head(kStatus200, flag::kEndHeaders),
                          data("a") + data("b") + head(literal("x", "y"), kEnd)}});
  EXPECT_EQ(got.why, "");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "ab");
  EXPECT_EQ(got.trailer, "y");
}

TEST(ClientConnection2, AnAnswerBeforeTheWholeBodyWasSentIsNoReasonToStopSending) {
  const std::string room = frame(FrameType::WindowUpdate, 0, 0, four(1 << 20)) + frame(FrameType::WindowUpdate, 0, 1, four(1 << 20));
  const Got got = fetch({{settings() + head(kStatus200, flag::kEndHeaders) + data("early", flag::kEndStream), room}}, 200'000, 200'000);
  EXPECT_EQ(got.body, "early");
  EXPECT_EQ(got.sent, 200'000u);
}

TEST(ClientConnection2, AResetWithNoErrorAfterTheWholeAnswerLeavesIt) {
  const Got got = fetch({{settings() + head(kStatus200, flag::kEndHeaders) + data("early", flag::kEndStream) + rst(ErrorCode::NoError)}}, 200'000);
  EXPECT_EQ(got.why, "");
  EXPECT_EQ(got.body, "early");
  EXPECT_LT(got.sent, 200'000u);
}

TEST(ClientConnection2, AMalformedAnswerIsTheUpstreamsFault) {
  const std::string cases[] = {
      head(literal("x", "no status"), kEnd),
      head(kStatus200 + literal("connection", "close"), kEnd),
      head(kStatus200 + literal("content-length", "1x"), kEnd),
      head(kStatus200 + literal("content-length", "3"), flag::kEndHeaders) + data("toolong"),
      head(kStatus200 + literal("x", std::string(100, 'v')) + literal("y", std::string(120, 'v')) + literal("z", std::string(120, 'v')) +
               literal("1", std::string(120, 'v')) + literal("2", std::string(120, 'v')) + literal("3", std::string(120, 'v')) +
               literal("4", std::string(120, 'v')) + literal("5", std::string(120, 'v')),
           kEnd),
      frame(FrameType::PushPromise, flag::kEndHeaders, 1, four(2) + kStatus200),
      head("\xff\xff\xff\xff\xff\xff", kEnd),
      "HTTP/1.1 400 Bad Request\r\n\r\n",
  };
  for (const std::string& bytes : cases) EXPECT_EQ(fetch({{settings() + bytes}}).why, "upstream_protocol") << bytes;
}

TEST(ClientConnection2, TrailersPastTheHeadsLimitAreTheUpstreamsFault) {
  std::string fields;
  for (int i = 0; i < 10; ++i) fields += literal("x", std::string(100, 'v'));
  const Got got = fetch({{settings() + head(kStatus200, flag::kEndHeaders) + data("a") + head(fields, kEnd)}});
  EXPECT_EQ(got.why, "upstream_protocol");
}

TEST(ClientConnection2, WhatTheServerHasNotLookedAtIsSentAgain) {
  const std::string goaway = frame(FrameType::GoAway, 0, 0, four(0) + four(0));
  const Got gone = fetch({{settings() + goaway}, {settings() + kOk}}, 5);
  EXPECT_EQ(gone.body, "ok");
  EXPECT_EQ(gone.connections, 2u);
  const Got refused = fetch({{settings() + rst(ErrorCode::RefusedStream) + goaway}, {settings() + kOk}}, 5);
  EXPECT_EQ(refused.body, "ok");
  EXPECT_EQ(refused.connections, 2u);
}

TEST(ClientConnection2, WhatTheServerMayHaveLookedAtIsNot) {
  EXPECT_EQ(fetch({{settings() + rst(ErrorCode::Cancel)}, {settings() + kOk}}, 5).why, "upstream_reset");
  EXPECT_EQ(fetch({{settings(), Peer::kClose}, {settings() + kOk}}, 5).why, "upstream_reset");
}

TEST(ClientConnection2, ABodyThatIsResetBreaksOff) {
  const Got got = fetch({{settings() + head(kStatus200, flag::kEndHeaders) + data("abc"), rst(ErrorCode::InternalError)}});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.why, "upstream_reset");
}
