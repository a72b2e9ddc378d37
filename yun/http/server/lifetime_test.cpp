// How connections and streams come to their end by time: age, silence, a stream that stands still.

#include <gtest/gtest.h>

#include <chrono>

#include "yun/http/server/frames_for_tests.hpp"
#include "yun/http/server/testing.hpp"

namespace yun::http::server {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kNotice = 0x7fffffff;  // the last stream of a GOAWAY that only announces
constexpr std::uint32_t kCancel = 8;

/// One piece, then nothing until told: what a test holds open, and how it lets go.
struct Held {
  runtime::Event released;  ///< of the server's loop
  void release(TestServer& server) {
    server.runtime.loop(0).post([this] { released.set(); });
  }
  std::unique_ptr<BodyProducer> body() {
    return make_producer([this](Context& ctx, BodyWriter& out) { return produce(released, ctx, out); });
  }
  static Task<Result<void>> produce(runtime::Event& released, Context& ctx, BodyWriter& out) {
    YUN_CHECK(co_await out.write(ctx, "begun"));
    YUN_CHECK(co_await released.wait(ctx));
    co_return co_await out.write(ctx, "ended");
  }
};

/// "/held" streams as `held` says, "/large" is a whole body of a megabyte, all else answers with its path.
TestHandler::Function answers(Held& held) {
  return [&held](Context&, Request& request, Response& response) -> Task<void> {
    if (request.path == "/held") {
      response.stream = held.body();
    } else if (request.path == "/large") {
      response.body = Body(std::string(1 << 20, 'x'));
    } else {
      response.body.assign(request.path);
    }
    return {};
  };
}

template <typename F>
ServerOptions with(F set) {
  ServerOptions options;
  set(options);
  return options;
}

std::string get(std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n\r\n"; }

/// One exchange of a connection that goes on: the answer's head. Its body is the path.
std::string ask(TestClient& client, std::string_view path) {
  client.send(get(path));
  return client.read_until("\r\n\r\n" + std::string(path));
}

bool says_close(std::string_view head) { return head.find("connection: close") != std::string_view::npos; }

/// Requests on one connection until an answer says close; how long that took. Fails if one is lost.
Duration until_told_to_go(TestServer& server) {
  const TimePoint begun = Clock::now();
  TestClient client(server.address);
  for (int i = 0;; ++i) {
    const std::string path = "/" + std::to_string(i);
    const std::string head = ask(client, path);
    if (!head.starts_with("HTTP/1.1 200") || !head.ends_with(path)) {
      ADD_FAILURE() << "request " << i << " got no answer: " << head;
      return {};
    }
    if (!says_close(head)) continue;
    EXPECT_EQ(client.read_all(), "") << "and nothing behind it";
    return Clock::now() - begun;
  }
}

// ---- max_connection_age ----

TEST(ConnectionAge, Http1IsToldToCloseWithAnAnswerAndLosesNone) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.max_connection_age = milliseconds(100); }));
  EXPECT_GE(until_told_to_go(server), milliseconds(90));
  EXPECT_EQ(server.handler.broken, 0);
}

TEST(ConnectionAge, Http1AnswersNothingBehindTheAnswerThatSaysClose) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.max_connection_age = milliseconds(20); }));
  TestClient client(server.address);
  std::string head;
  int asked = 0;
  do {
    // Two at once: a client may send again what came behind the answer that said close, since no handler has seen it.
    client.send(get("/first") + get("/second"));
    head = client.read_until("/first");
    ++asked;
    if (says_close(head)) break;
    head = client.read_until("/second");
    ++asked;
  } while (!says_close(head) && !head.empty());
  EXPECT_TRUE(says_close(head)) << head;
  EXPECT_EQ(client.read_all(), "");
  server.stop();
  EXPECT_EQ(server.handler.handled, asked);
  EXPECT_EQ(server.handler.ended, asked);
}

TEST(ConnectionAge, AnIdleHttp1ConnectionIsToldAtItsNextRequest) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.max_connection_age = milliseconds(30); }));
  TestClient idle(server.address);
  const std::string first = ask(idle, "/before");
  ASSERT_NE(first, "");
  // Two lives one after the other are longer than one, whatever their jitter.
  (void)until_told_to_go(server);
  (void)until_told_to_go(server);
  if (says_close(first)) return;  // this machine was so slow that it was past its age at once
  EXPECT_TRUE(says_close(ask(idle, "/after")));
}

TEST(ConnectionAge, Http2GoesWithGoawayAndAnswersAllThatCameBefore) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.stream_idle_timeout = std::chrono::seconds(30); o.max_connection_age = milliseconds(100); }));
  FrameClient client(server.address);
  client.get(1, "/held");  // in flight when it is told to go
  ASSERT_TRUE(client.next(Frame::Data, 1));
  bool noticed = false;
  std::uint32_t asked = 1;
  std::uint32_t answered = 1;
  std::uint32_t last = kNotice;
  while (last == kNotice) {
    // One request after the other, also after the notice: those are not lost either.
    asked += 2;
    client.get(asked, "/x");
    for (;;) {
      const auto frame = client.next();
      ASSERT_TRUE(frame) << "closed without a GOAWAY that says where it ends";
      if (frame->type == Frame::Goaway) {
        EXPECT_EQ(frame->number(4), 0U) << "NO_ERROR";
        last = frame->number(0);
        EXPECT_TRUE(last == kNotice || noticed) << "a notice comes first";
        noticed = true;
        if (last != kNotice && last < asked) break;  // the one on its way was not taken: to be sent again elsewhere
      }
      if (frame->stream != asked) continue;
      ASSERT_NE(frame->type, Frame::RstStream);
      if (frame->type == Frame::Data) client.took(*frame);
      if (frame->flags & Frame::kEndStream) {
        answered = asked;
        break;
      }
    }
  }
  EXPECT_LE(last, asked);
  EXPECT_LE(answered, last) << "answered, but said not to be taken";
  held.release(server);
  const auto rest = client.next(Frame::Data, 1);
  ASSERT_TRUE(rest) << "the stream in flight was broken off";
  EXPECT_EQ(rest->payload, "ended");
  while (const auto frame = client.next()) {
    if (frame->stream > 1 && frame->flags & Frame::kEndStream) answered = frame->stream;
  }
  EXPECT_EQ(answered, last) << "closed before all it had taken was answered";
  server.stop();
  EXPECT_EQ(server.handler.broken, 0);
}

// ---- PING ----

TEST(Http2Ping, APeerThatAnswersStays) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.header_timeout = milliseconds(100); o.ping_interval = milliseconds(400); }));
  FrameClient client(server.address);
  for (int i = 0; i < 2; ++i) {
    auto ping = client.next(Frame::Ping);
    ASSERT_TRUE(ping) << "after " << i;
    ping->flags = Frame::kAck;
    client.send(*ping);
  }
  client.get(1, "/still");
  const auto data = client.next(Frame::Data, 1);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->payload, "/still");
}

TEST(Http2Ping, APeerThatIsSilentIsClosedAndItsStreamsAreCancelled) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.header_timeout = milliseconds(100); o.ping_interval = milliseconds(50); }));
  FrameClient client(server.address);
  client.get(1, "/held");
  ASSERT_TRUE(client.next(Frame::Ping));
  while (client.next()) {
  }  // to its end, which must come
  EXPECT_EQ(server.handler.broken, 1);
}

// ---- stream_idle_timeout ----

TEST(StreamIdle, Http1IsBrokenOffWithoutItsLastChunk) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.stream_idle_timeout = milliseconds(50); }));
  TestClient client(server.address);
  client.send(get("/held"));
  const std::string all = client.read_all();
  EXPECT_NE(all.find("5\r\nbegun\r\n"), std::string::npos) << all;
  EXPECT_EQ(all.find("0\r\n\r\n"), std::string::npos) << "a client must see that it is not the end";
  EXPECT_EQ(server.handler.broken, 1);
}

TEST(StreamIdle, Http2ResetsTheStreamAndNoOther) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.stream_idle_timeout = milliseconds(50); }));
  FrameClient client(server.address);
  client.get(1, "/held");
  const auto reset = client.next(Frame::RstStream, 1);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->number(0), kCancel);
  client.get(3, "/other");
  const auto data = client.next(Frame::Data, 3);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->payload, "/other");
  server.stop();
  EXPECT_EQ(server.handler.broken, 1);
}

TEST(StreamIdle, GrpcIsExempt) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.stream_idle_timeout = milliseconds(50); }));
  FrameClient client(server.address);
  client.get(1, "/held", "application/grpc");
  client.get(3, "/held");  // idle for no longer than the other
  const auto reset = client.next(Frame::RstStream);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->stream, 3U);
  held.release(server);
  const auto end = client.next(Frame::Data, 1);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->payload, "ended");
}

TEST(StreamIdle, AClientThatOpensNoWindowHoldsNoAnswerForLong) {
  Held held;
  TestServer server(answers(held), with([](auto& o) { o.stream_idle_timeout = milliseconds(50); }));
  FrameClient client(server.address, 10);
  client.get(1, "/large");
  const auto data = client.next(Frame::Data, 1);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->payload.size(), 10U);
  const auto reset = client.next(Frame::RstStream, 1);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->number(0), kCancel);
  server.stop();
  EXPECT_EQ(server.handler.broken, 1);
}

}  // namespace
}  // namespace yun::http::server
