#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>

#include "yun/http/problem.hpp"
#include "yun/http/server/testing.hpp"
#include "yun/http/tunnel.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::server {
namespace {

using std::chrono::milliseconds;

Task<void> later(Context& ctx, Request& request, Response& response) {
  (void)co_await runtime::yield_now();  // gives nothing
  auto slept = co_await runtime::sleep_for(ctx, milliseconds(1));
  response.body.assign(slept ? "later " + request.path : "cancelled");
}

Task<void> echo(Context& ctx, Request& request, Response& response) {
  auto all = co_await request.body.all(ctx, 1 << 20);
  if (all) {
    response.body.assign(*all);
  } else {
    response = problem(ctx, all.error());
  }
}

Task<Result<void>> three_pieces(Context& ctx, BodyWriter& out) {
  YUN_CHECK(co_await out.write(ctx, "one"));
  YUN_CHECK(co_await out.write(ctx, "two"));
  (void)co_await runtime::yield_now();  // gives nothing
  YUN_CHECK(co_await out.write(ctx, "three"));
  out.set_trailer("x-sum", "3");
  co_return Result<void>();
}

Task<void> serve(Context& ctx, Request& request, Response& response) {
  if (request.path.starts_with("/later")) return later(ctx, request, response);
  if (request.path == "/echo") return echo(ctx, request, response);
  if (request.path == "/stream") response.stream = make_producer(&three_pieces);
  if (request.path == "/throw") throw std::runtime_error("a bug");
  if (request.path == "/created") response.status = 204;
  if (!response.stream) response.body.assign("at " + request.path);
  return {};
}

std::string get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(more) + "\r\n";
}

TEST(Http1, AnswersPipelinedRequestsInOrder) {
  TestServer server(serve);
  TestClient client(server.address);
  client.send(get("/1") + get("/later/2") + get("/3") + get("/stream") + get("/5", "Connection: close\r\n") + get("/never"));
  const std::string all = client.read_all();
  std::size_t at = 0;
  for (const char* each : {"at /1", "later /later/2", "at /3", "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n", "connection: close", "at /5"}) {
    at = all.find(each, at);
    ASSERT_NE(at, std::string::npos) << each << " in " << all;
  }
  EXPECT_EQ(all.find("/never"), std::string::npos);
  server.stop();
  EXPECT_EQ(server.handler.handled, 5);
  EXPECT_EQ(server.handler.ended, 5);
  EXPECT_EQ(server.handler.broken, 0);
}

TEST(Http1, ReadsARequestByteByByte) {
  TestServer server(serve);
  TestClient client(server.address);
  for (const char byte : std::string("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")) client.send({&byte, 1});
  EXPECT_TRUE(client.read_until("hello").ends_with("content-length: 5\r\n\r\nhello"));
}

TEST(Http1, Version10ClosesUnlessAskedAndNeverGetsChunks) {
  TestServer server(serve);
  TestClient closes(server.address);
  closes.send("GET /x HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(closes.read_all().ends_with("connection: close\r\n\r\nat /x"));
  TestClient stays(server.address);
  stays.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(stays.read_until("at /x").find("connection: keep-alive"), std::string::npos);
  stays.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string streamed = stays.read_all();
  EXPECT_TRUE(streamed.ends_with("connection: close\r\n\r\nonetwothree")) << streamed;
}

TEST(Http1, HeadHasTheLengthButNoBody) {
  TestServer server(serve);
  TestClient client(server.address);
  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + get("/created") + get("/y", "Connection: close\r\n"));
  const std::string all = client.read_all();
  EXPECT_NE(all.find("content-length: 5"), std::string::npos);
  EXPECT_EQ(all.find("at /x"), std::string::npos);
  EXPECT_EQ(all.find("one"), std::string::npos);
  EXPECT_EQ(all.find("at /created"), std::string::npos) << "204 has no body";
  EXPECT_NE(all.find("at /y"), std::string::npos);
}

TEST(Http1, DecodesAChunkedUpload) {
  TestServer server(serve);
  TestClient client(server.address);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  client.send("6\r\n world\r\n0\r\n\r\n" + get("/next", "Connection: close\r\n"));
  const std::string all = client.read_all();
  EXPECT_NE(all.find("\r\n\r\nhello world"), std::string::npos) << all;
  EXPECT_NE(all.find("at /next"), std::string::npos);
}

TEST(Http1, ABrokenChunkClosesTheConnection) {
  TestServer server(serve);
  TestClient client(server.address);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n" + get("/smuggled"));
  const std::string all = client.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 400"));
  EXPECT_NE(all.find("connection: close"), std::string::npos);
  EXPECT_EQ(all.find("smuggled"), std::string::npos);
}

TEST(Http1, SendsContinueOnlyWhenTheBodyIsRead) {
  TestServer server(serve);
  TestClient reads(server.address);
  reads.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(reads.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  reads.send("hi");
  EXPECT_TRUE(reads.read_until("hi").starts_with("HTTP/1.1 200"));
  TestClient ignores(server.address);
  ignores.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  const std::string all = ignores.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 200"));
  EXPECT_NE(all.find("connection: close"), std::string::npos);
}

TEST(Http1, RefusesBodiesOverTheLimit) {
  ServerOptions options;
  options.max_body = 1000;
  TestServer server(serve, options);
  TestClient client(server.address);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'));
  const std::string all = client.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 413"));
  EXPECT_NE(all.find("x-yun-reason: body_too_large"), std::string::npos);
  TestClient chunked(server.address);
  chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(chunked.read_all().starts_with("HTTP/1.1 413"));
}

TEST(Http1, DropsAnUnreadBodyOrCloses) {
  ServerOptions options;
  options.buffered_body = 10;
  options.drain_body = 1000;
  TestServer server(serve, options);
  TestClient client(server.address);
  client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
  client.send(std::string(500, 'x') + get("/b"));
  EXPECT_NE(client.read_until("at /b").find("at /a"), std::string::npos);
  client.send("POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
  const std::string all = client.read_until("at /c");
  EXPECT_NE(all.find("connection: close"), std::string::npos) << all;
}

TEST(Http1, AnswersASlowHeadWith408) {
  ServerOptions options;
  options.header_timeout = milliseconds(30);
  TestServer server(serve, options);
  TestClient slow(server.address);
  slow.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  const std::string all = slow.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 408")) << all;
  EXPECT_NE(all.find("x-yun-reason: header_timeout"), std::string::npos);
  TestClient silent(server.address);
  EXPECT_EQ(silent.read_all(), "");
}

TEST(Http1, AnswersASlowBodyWith408) {
  ServerOptions options;
  options.body_timeout = milliseconds(30);
  TestServer server(serve, options);
  TestClient slow(server.address);
  slow.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_TRUE(slow.read_all().starts_with("HTTP/1.1 408"));
  TestClient streamed(server.address);
  streamed.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n");
  EXPECT_TRUE(streamed.read_all().starts_with("HTTP/1.1 408"));
}

TEST(Http1, ClosesAnIdleConnection) {
  ServerOptions options;
  options.idle_timeout = milliseconds(30);
  TestServer server(serve, options);
  TestClient client(server.address);
  client.send(get("/x"));
  EXPECT_TRUE(client.read_all().ends_with("at /x"));
}

TEST(Http1, AHalfClosedClientGetsItsAnswer) {
  TestServer server(serve);
  TestClient client(server.address);
  client.send(get("/later/x"));
  client.half_close();
  EXPECT_TRUE(client.read_all().ends_with("later /later/x"));
}

std::atomic<bool> saw_cancel;
Task<void> forever(Context& ctx, Request&, Response&) {
  auto slept = co_await runtime::sleep_for(ctx, std::chrono::hours(1));
  saw_cancel = !slept && slept.error().code() == Code::Cancelled;
  saw_cancel.notify_all();
}

TEST(Http1, AResetCancelsTheContext) {
  saw_cancel = false;
  ServerOptions options;
  options.idle_timeout = milliseconds(40);  // makes the sweep quick
  TestServer server([](Context& ctx, Request& request, Response& response) { return forever(ctx, request, response); }, options);
  TestClient client(server.address);
  client.send(get("/x"));
  while (server.handler.handled == 0) std::this_thread::yield();
  client.reset();
  saw_cancel.wait(false);
  while (server.handler.ended == 0) std::this_thread::yield();
  EXPECT_EQ(server.handler.broken, 1);
}

TEST(Http1, TheRequestTimeoutIsTheContextsDeadline) {
  ServerOptions options;
  options.request_timeout = milliseconds(20);
  TestServer server(
      [](Context& ctx, Request& request, Response& response) {
        struct Wait {
          static Task<void> run(Context& c, Request&, Response& r) {
            auto slept = co_await runtime::sleep_for(c, std::chrono::hours(1));
            r = problem(c, slept.error());
          }
        };
        return Wait::run(ctx, request, response);
      },
      options);
  TestClient client(server.address);
  client.send(get("/x", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 504"));
}

TEST(Http1, AnExceptionIsA500AndTheConnectionGoesOn) {
  std::atomic<int> unhandled{0};
  ServerOptions options;
  options.on_unhandled = [&](std::exception_ptr) { ++unhandled; };
  TestServer server(serve, options);
  TestClient client(server.address);
  client.send(get("/throw") + get("/x"));
  const std::string all = client.read_until("at /x");
  EXPECT_TRUE(all.starts_with("HTTP/1.1 500"));
  EXPECT_NE(all.find("application/problem+json"), std::string::npos);
  EXPECT_EQ(all.find("a bug"), std::string::npos);
  EXPECT_EQ(unhandled, 1);
}

TEST(Http1, RefusesAndCountsWhatIsNoRequest) {
  TestServer server(serve);
  TestClient client(server.address);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get("/smuggled"));
  const std::string all = client.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 400"));
  EXPECT_NE(all.find("x-yun-reason: length_and_chunked"), std::string::npos);
  EXPECT_EQ(server.refused_reason, "length_and_chunked");
  EXPECT_EQ(server.handler.handled, 0);
}

TEST(Http1, SendsAFileAndALargeBody) {
  const std::string name = testing::TempDir() + "yun_http1_file";
  std::string content;
  for (int i = 0; i < 300'000; ++i) content += static_cast<char>('a' + i % 26);
  std::ofstream(name) << content;
  const auto file = std::make_shared<const runtime::Fd>(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  TestServer server([&](Context&, Request& request, Response& response) -> Task<void> {
    if (request.path == "/file") {
      response.file = FileBody{file, 26, content.size() - 26};
    } else {
      response.body.assign(content);
    }
    return {};
  });
  TestClient client(server.address);
  client.send(get("/file") + get("/body", "Connection: close\r\n"));
  const std::string all = client.read_all();
  EXPECT_NE(all.find("\r\n\r\n" + content.substr(26) + "HTTP/1.1 200"), std::string::npos);
  EXPECT_TRUE(all.ends_with("\r\n\r\n" + content));
  ::unlink(name.c_str());
}

TEST(Http1, HandsTheConnectionToAnUpgrade) {
  TestServer server([](Context&, Request&, Response& response) -> Task<void> {
    struct Raw {
      static Task<void> talk(Context& ctx, Tunnel& tunnel) {
        std::array<char, 100> bytes;
        auto already = co_await tunnel.read(ctx, bytes);
        EXPECT_TRUE(already.ok());
        const std::string greeting = "got " + std::string(bytes.data(), already ? *already : 0);
        auto written = co_await tunnel.write_all(ctx, greeting);
        EXPECT_TRUE(written.ok());
      }
    };
    response.status = 101;
    response.headers.set("upgrade", "test");
    response.upgrade = &Raw::talk;
    return {};
  });
  TestClient client(server.address);
  client.send(get("/", "Connection: upgrade\r\nUpgrade: test\r\n") + "early");
  const std::string all = client.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 101"));
  EXPECT_NE(all.find("connection: upgrade"), std::string::npos);
  EXPECT_TRUE(all.ends_with("got early"));
}

TEST(Http1, LimitsRequestsPerConnection) {
  ServerOptions options;
  options.max_requests_per_connection = 2;
  TestServer server(serve, options);
  TestClient client(server.address);
  client.send(get("/1") + get("/2") + get("/3"));
  const std::string all = client.read_all();
  EXPECT_NE(all.find("at /2"), std::string::npos);
  EXPECT_EQ(all.find("at /3"), std::string::npos);
}

TEST(Server, TheSamePortIsNotSharedWithAnother) {
  TestServer first(serve);
  runtime::Runtime runtime(1);
  Server second(runtime, first.handler);
  const auto bound = second.listen(first.address);
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().code(), Code::AlreadyExists);
}

TEST(Server, DrainFinishesWhatIsInFlightAndClosesTheRest) {
  static runtime::Event* release = nullptr;
  struct Wait {
    static Task<void> run(Context& ctx, Request&, Response& response) {
      auto released = co_await release->wait(ctx);
      response.body.assign(released ? "released" : "cancelled");
    }
  };
  runtime::Event event;
  release = &event;
  TestServer server([](Context& ctx, Request& request, Response& response) -> Task<void> {
    if (request.path == "/wait") return Wait::run(ctx, request, response);
    return {};
  });
  TestClient idle(server.address);
  idle.send(get("/"));
  idle.read_until("\r\n\r\n");
  TestClient busy(server.address);
  busy.send(get("/wait"));
  while (server.handler.handled < 2) std::this_thread::yield();
  std::thread drains([&] { server.drain(std::chrono::seconds(10)); });
  EXPECT_EQ(idle.read_all(), "") << "closed without a word";
  EXPECT_FALSE(TestClient(server.address).connected);
  server.runtime.loop(0).post([&] { event.set(); });
  const std::string all = busy.read_all();
  EXPECT_TRUE(all.ends_with("released")) << all;
  EXPECT_NE(all.find("connection: close"), std::string::npos);
  busy.half_close();  // so that the server need not linger
  drains.join();
  EXPECT_EQ(server.server.connections(), 0u);
}

TEST(Server, DrainCancelsAfterItsGrace) {
  TestServer server([](Context& ctx, Request& request, Response& response) { return forever(ctx, request, response); });
  TestClient busy(server.address);
  busy.send(get("/wait"));
  while (server.handler.handled < 1) std::this_thread::yield();
  server.drain(milliseconds(20));
  EXPECT_EQ(server.server.connections(), 0u);
  EXPECT_EQ(server.handler.ended, 1);
}

TEST(Server, ClosesConnectionsOverItsLimit) {
  ServerOptions options;
  options.max_connections = 1;
  TestServer server(serve, options);
  TestClient first(server.address);
  first.send(get("/1"));
  first.read_until("at /1");
  TestClient second(server.address);
  EXPECT_EQ(second.read_all(), "");
  ASSERT_EQ(server.refused, 1);
  EXPECT_EQ(server.refused_reason, "max_connections");
}

}  // namespace
}  // namespace yun::http::server
