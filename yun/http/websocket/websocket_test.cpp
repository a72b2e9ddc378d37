#include "yun/http/websocket/websocket.hpp"

#include <gtest/gtest.h>

#include "yun/runtime/net.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::http {
namespace {

using websocket::FrameDecoder;
using websocket::FrameEvent;
using websocket::Opcode;
using websocket::Side;
using Kind = FrameEvent::Kind;
constexpr char kMask[] = {0x12, 0x34, 0x56, 0x78};

std::string masked(Opcode opcode, std::string_view payload) {
  std::string frame;
  websocket::append_frame(frame, opcode, payload, kMask);
  return frame;
}
FrameEvent decode(std::string_view bytes, std::size_t limit = 1000) {
  FrameDecoder decoder(Side::Server, limit);
  decoder.feed(bytes);
  return decoder.next();
}

TEST(WebSocketFrames, EveryCutOfTheBytesGivesTheSameMessages) {
  std::string bytes = masked(Opcode::Text, "hello");
  std::string first = masked(Opcode::Binary, std::string(300, 'x'));
  first[0] = 0x02;  // not the last piece
  bytes += first + masked(Opcode::Ping, "are you there") + masked(Opcode::Continuation, std::string(70000, 'y')) + masked(Opcode::Close, websocket::close_payload(1000, "bye"));
  for (const std::size_t step : {1u, 2u, 7u, 4096u, 1000000u}) {
    FrameDecoder decoder(Side::Server, 100000);
    std::vector<FrameEvent> events;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      decoder.feed(std::string_view(bytes).substr(at, step));
      for (FrameEvent event = decoder.next(); event.kind != Kind::NeedMore; event = decoder.next()) events.push_back(std::move(event));
    }
    ASSERT_EQ(events.size(), 4u) << step;
    EXPECT_EQ(events[0].payload, "hello");
    EXPECT_EQ(events[1].kind, Kind::Ping);
    EXPECT_EQ(events[1].payload, "are you there");
    EXPECT_EQ(events[2].kind, Kind::Binary);
    EXPECT_EQ(events[2].payload, std::string(300, 'x') + std::string(70000, 'y'));
    EXPECT_EQ(events[3].kind, Kind::Close);
    EXPECT_EQ(events[3].code, 1000);
    EXPECT_EQ(events[3].payload, "bye");
  }
}

TEST(WebSocketFrames, WhatBreaksTheProtocolFails) {
  std::string unmasked;
  websocket::append_frame(unmasked, Opcode::Text, "hi");
  EXPECT_EQ(decode(unmasked).code, websocket::kProtocolError);
  std::string reserved = masked(Opcode::Text, "hi");
  reserved[0] = static_cast<char>(reserved[0] | 0x40);
  EXPECT_EQ(decode(reserved).code, websocket::kProtocolError);
  EXPECT_EQ(decode(masked(static_cast<Opcode>(3), "")).code, websocket::kProtocolError);
  EXPECT_EQ(decode(masked(Opcode::Continuation, "x")).code, websocket::kProtocolError);
  EXPECT_EQ(decode(masked(Opcode::Ping, std::string(126, 'x'))).code, websocket::kProtocolError);
  std::string split_ping = masked(Opcode::Ping, "x");
  split_ping[0] = 0x09;
  EXPECT_EQ(decode(split_ping).code, websocket::kProtocolError);
  EXPECT_EQ(decode(std::string("\x82\xfe\x00\x05", 4)).code, websocket::kProtocolError);  // 5 in two bytes
  EXPECT_EQ(decode(masked(Opcode::Close, "x")).code, websocket::kProtocolError);
  EXPECT_EQ(decode(masked(Opcode::Close, websocket::close_payload(1005, ""))).code, websocket::kProtocolError);
  EXPECT_EQ(decode(masked(Opcode::Text, "\xff\xfe")).code, websocket::kBadText);
  EXPECT_EQ(decode(masked(Opcode::Text, std::string(1001, 'x'))).code, websocket::kTooBig);
  std::string interrupted = masked(Opcode::Text, "a");
  interrupted[0] = 0x01;
  EXPECT_EQ(decode(interrupted + masked(Opcode::Text, "b")).code, websocket::kProtocolError);
}

TEST(WebSocketFrames, TheLimitIsOverAllPieces) {
  std::string piece = masked(Opcode::Text, std::string(600, 'x'));
  piece[0] = 0x01;
  EXPECT_EQ(decode(piece + masked(Opcode::Continuation, std::string(600, 'x'))).code, websocket::kTooBig);
}

TEST(WebSocketFrames, AnUtf8CharacterMayBeCutBetweenPieces) {
  std::string first = masked(Opcode::Text, "\xe4\xba");
  first[0] = 0x01;
  EXPECT_EQ(decode(first + masked(Opcode::Continuation, "\x91")).payload, "\xe4\xba\x91");
}

Request handshake() {
  Request request;
  request.method = Method::Get;
  request.authority = "shop.example:8080";
  request.headers.add("upgrade", "websocket");
  request.headers.add("connection", "keep-alive, Upgrade");
  request.headers.add("sec-websocket-version", "13");
  request.headers.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  return request;
}
Task<Result<void>> echo(Context& ctx, WebSocket& socket) {
  for (;;) {
    YUN_TRY(message, co_await socket.receive(ctx));
    if (!message) co_return Result<void>();
    if (message->data == "fail") co_return internal_error("as wished");
    YUN_CHECK(co_await socket.send(ctx, std::move(*message)));
  }
}

TEST(WebSocket, AnswersTheHandshakeOfTheRfc) {
  Context ctx;
  Request request = handshake();
  request.headers.add("sec-websocket-protocol", "other, chat");
  const Response response = accept_websocket(ctx, request, echo, {.protocols = {"chat"}});
  EXPECT_EQ(response.status, 101);
  EXPECT_EQ(response.headers.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(response.headers.get("sec-websocket-protocol"), "chat");
  EXPECT_TRUE(response.upgrade);
}

TEST(WebSocket, RefusesBadHandshakesAndForeignOrigins) {
  Context ctx;
  auto status = [&](auto change) {
    Request request = handshake();
    change(request.headers);
    return accept_websocket(ctx, request, echo).status;
  };
  EXPECT_EQ(status([](Headers& h) { h.remove("upgrade"); }), 426);
  EXPECT_EQ(status([](Headers& h) { h.set("sec-websocket-version", "8"); }), 426);
  EXPECT_EQ(status([](Headers& h) { h.set("sec-websocket-key", "short"); }), 400);
  EXPECT_EQ(status([](Headers& h) { h.set("origin", "https://evil.example"); }), 403);
  EXPECT_EQ(status([](Headers& h) { h.set("origin", "http://shop.example:8080"); }), 101);
}

TEST(WebSocket, OverHttp2TheAnswerIs200WithoutAKey) {
  Context ctx;
  Request request = handshake();
  request.version = Version::Http2;
  request.headers.remove("sec-websocket-key");
  const Response response = accept_websocket(ctx, request, echo);
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.headers.has("sec-websocket-accept"));
  EXPECT_FALSE(response.headers.has("upgrade"));
  EXPECT_TRUE(response.upgrade);
}

struct Pair {
  std::unique_ptr<runtime::Socket> client, server;
};
Task<Result<Pair>> connected(Context& ctx) {
  YUN_TRY(any, runtime::Address::parse("127.0.0.1:0"));
  YUN_TRY(listener, runtime::Listener::bind(any));
  YUN_TRY(client, co_await runtime::connect(ctx, listener.address()));
  YUN_TRY(accepted, co_await listener.accept(ctx));
  co_return Pair{std::move(client), std::make_unique<runtime::Socket>(std::move(accepted.fd), accepted.peer)};
}

/// A client of bare bytes: sends `bytes`, closes nothing, reads frames until a close.
Task<Result<std::vector<FrameEvent>>> talk(Context& ctx, std::string already, std::string bytes) {
  YUN_TRY(pair, co_await connected(ctx));
  const Request request = handshake();
  Response response = accept_websocket(ctx, request, echo, {.max_message = 1000});
  runtime::Scope scope;
  TransportTunnel tunnel(*pair.server, std::move(already));
  scope.spawn(response.upgrade(ctx, tunnel));
  YUN_CHECK(co_await pair.client->write_all(ctx, bytes));
  FrameDecoder decoder(Side::Client, 1 << 20);
  std::vector<FrameEvent> events;
  std::array<char, 1000> read;
  for (bool open = true; open;) {
    auto got = co_await pair.client->read(ctx, read);
    if (!got || *got == 0) break;
    decoder.feed(std::string_view(read.data(), *got));
    for (FrameEvent event = decoder.next(); event.kind != Kind::NeedMore; event = decoder.next()) {
      open = event.kind != Kind::Close;
      events.push_back(std::move(event));
    }
  }
  const std::string goodbye = masked(Opcode::Close, websocket::close_payload(1000, ""));
  (void)co_await pair.client->write_all(ctx, goodbye);  // the server may have gone
  Task<void> joined = scope.join();
  (void)co_await std::move(joined);  // void
  co_return events;
}
std::vector<FrameEvent> talk(std::string already, std::string bytes) {
  Context ctx;
  auto events = runtime::block_on(talk(ctx, std::move(already), std::move(bytes)));
  EXPECT_TRUE(events.ok());
  return events ? *std::move(events) : std::vector<FrameEvent>();
}

TEST(WebSocket, EchoesToARawClientAndClosesTidily) {
  const auto events = talk(masked(Opcode::Text, "early"), masked(Opcode::Ping, "p") + masked(Opcode::Binary, "data") + masked(Opcode::Close, websocket::close_payload(1001, "")));
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].payload, "early");
  EXPECT_EQ(events[1].kind, Kind::Pong);
  EXPECT_EQ(events[1].payload, "p");
  EXPECT_EQ(events[2].kind, Kind::Binary);
  EXPECT_EQ(events[2].payload, "data");
  EXPECT_EQ(events[3].kind, Kind::Close);
  EXPECT_EQ(events[3].code, 1001);
}

TEST(WebSocket, TellsAPeerThatBreaksTheProtocolWhy) {
  const auto events = talk("", masked(Opcode::Text, std::string(2000, 'x')));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Kind::Close);
  EXPECT_EQ(events[0].code, websocket::kTooBig);
}

TEST(WebSocket, AnErrorOfTheFunctionClosesWithInternal) {
  const auto events = talk("", masked(Opcode::Text, "fail"));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].code, websocket::kInternal);
}

}  // namespace
}  // namespace yun::http
