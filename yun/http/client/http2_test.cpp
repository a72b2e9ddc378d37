// The client's HTTP/2 against the tree's own server, on a thread of its own.

#include <gtest/gtest.h>

#include <thread>

#include "yun/http/client/client.hpp"
#include "yun/http/server/testing.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;
using server::TestServer;

namespace {

/// Answers with the request's bytes as they come, and with their number as a trailer.
struct Echo final : BodyProducer {
  explicit Echo(Body given) : body(std::move(given)) {}
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    std::size_t size = 0;
    for (;;) {
      auto piece = co_await body.next(ctx);
      if (!piece) co_return std::move(piece).error();
      if (!*piece) break;
      size += (*piece)->size();
      YUN_CHECK(co_await out.write(ctx, **piece));
    }
    out.set_trailer("x-size", std::to_string(size));
    co_return Result<void>();
  }
  Body body;
};

struct Endless final : BodyProducer {
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    const std::string block(16384, 'x');
    for (;;) YUN_CHECK(co_await out.write(ctx, block));
  }
};

Task<void> wait_for_cancel(Context& ctx, std::atomic<bool>& cancelled_flag) {
  auto slept = co_await runtime::sleep_for(ctx, 30s);
  cancelled_flag = !slept;
}

std::atomic<bool> handler_cancelled{false};

Task<void> answer(Context& ctx, Request& request, Response& response) {
  if (request.path == "/wait") return wait_for_cancel(ctx, handler_cancelled);
  if (request.path == "/echo") {
    response.stream = std::make_unique<Echo>(std::move(request.body));
  } else if (request.path == "/endless") {
    response.stream = std::make_unique<Endless>();
  } else if (request.path == "/size") {
    response.body = Body(std::to_string(request.body.bytes().size()));
  } else {
    response.body = Body(std::string(request.path) + " " + std::string(request.headers.get("traceparent").value_or("-")));
  }
  return {};
}

Client::Options h2() {
  Client::Options options;
  options.http2 = Http2::PriorKnowledge;
  return options;
}

Request request_to(const runtime::Address& address, Method method, std::string path) {
  return *make_request(method, "http://" + address.to_string() + path);
}

Task<std::string> text_of(Client& client, Context& ctx, Request request) {
  auto response = co_await client.send(ctx, std::move(request));
  if (!response) co_return "error " + response.error().to_string();
  auto body = co_await response->body.all(ctx, 64_MiB);
  if (!body) co_return "body error " + body.error().to_string();
  co_return std::string(*body);
}

Task<void> one(Client& client, Context& ctx, runtime::Address to, int number, int& well) {
  const std::string path = "/" + std::to_string(number);
  const std::string text = co_await text_of(client, ctx, request_to(to, Method::Get, path));
  if (text.starts_with(path + " 00-")) ++well;
}

Task<int> many(runtime::Address to, int count) {
  Client client(h2());
  Context root;
  Context ctx(root, 10s);
  runtime::Scope scope;
  int well = 0;
  for (int i = 0; i < count; ++i) scope.spawn(one(client, ctx, to, i, well));
  co_await scope.join();
  co_return well;
}

/// Sends a piece, waits until it has come back, sends the next: only possible in full duplex.
struct Turns {
  runtime::Channel<std::string> to_send{4};
};
struct Talker final : BodyProducer {
  explicit Talker(std::shared_ptr<Turns> given) : turns(std::move(given)) {}
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    for (;;) {
      auto piece = co_await turns->to_send.pop(ctx);
      if (!piece) co_return std::move(piece).error();
      if (!*piece) co_return Result<void>();
      YUN_CHECK(co_await out.write(ctx, **piece));
    }
  }
  std::shared_ptr<Turns> turns;
};

Task<std::string> talk(runtime::Address to, Client::Options options) {
  Client client(options);
  Context root;
  Context ctx(root, 10s);
  auto turns = std::make_shared<Turns>();
  Request request = request_to(to, Method::Post, "/echo");
  request.upload = std::make_unique<Talker>(turns);
  turns->to_send.try_push("first ");
  auto response = co_await client.send(ctx, std::move(request));
  if (!response) co_return response.error().to_string();
  std::string heard;
  for (const char* next : {"second ", "third", ""}) {
    auto piece = co_await response->body.next(ctx);
    if (!piece || !*piece) co_return "broke off after " + heard;
    heard += **piece;
    if (*next) {
      turns->to_send.try_push(next);
    } else {
      turns->to_send.close();
    }
  }
  auto end = co_await response->body.next(ctx);
  if (!end || *end) co_return "no end after " + heard;
  co_return heard + " " + std::string(response->body.trailers()->get("x-size").value_or("no trailer"));
}

Task<std::string> upload_large(runtime::Address to) {
  Client client(h2());
  Context root;
  Context ctx(root, 20s);
  Request request = request_to(to, Method::Post, "/echo");
  std::string big(5'000'000, '.');
  for (std::size_t i = 0; i < big.size(); i += 997) big[i] = static_cast<char>('a' + i % 26);
  request.body = Body(big);
  const std::string back = co_await text_of(client, ctx, std::move(request));
  co_return back == big ? "same" : "differs: " + std::to_string(back.size()) + " " + back.substr(0, 100);
}

/// Reads a little of an endless answer, drops it, and goes on over the same connection.
Task<std::string> drop_an_endless_answer(runtime::Address to) {
  Client client(h2());
  Context root;
  Context ctx(root, 10s);
  {
    auto endless = co_await client.send(ctx, request_to(to, Method::Get, "/endless"));
    if (!endless) co_return endless.error().to_string();
    auto piece = co_await endless->body.next(ctx);
    if (!piece || !*piece) co_return "no piece";
  }
  const std::string after = co_await text_of(client, ctx, request_to(to, Method::Get, "/after"));
  co_return after.substr(0, 6);
}

/// A reader that does not read gets no more than its window, and others on the connection are not held up.
Task<std::string> a_slow_reader_holds_nobody_up(runtime::Address to) {
  Client client(h2());
  Context root;
  Context ctx(root, 10s);
  std::vector<Response> unread;
  for (int i = 0; i < 4; ++i) {
    auto endless = co_await client.send(ctx, request_to(to, Method::Get, "/endless"));
    if (!endless) co_return endless.error().to_string();
    unread.push_back(std::move(*endless));
  }
  const std::string after = co_await text_of(client, ctx, request_to(to, Method::Get, "/after"));
  co_return after.substr(0, 6);
}

Task<std::string> past_its_deadline(runtime::Address to) {
  Client client(h2());
  Context root;
  Context ctx(root, 50ms);
  auto response = co_await client.send(ctx, request_to(to, Method::Get, "/wait"));
  if (response) co_return "answered";
  const std::string reason = response.error().reason();
  Context rest(root, 5s);
  const std::string after = co_await text_of(client, rest, request_to(to, Method::Get, "/after"));
  co_return reason + " " + after.substr(0, 6);
}

}  // namespace

TEST(ClientHttp2, ManyExchangesShareAConnection) {
  TestServer server(&answer);
  EXPECT_EQ(runtime::block_on(many(server.address, 500)), 500);
  server.stop();
}

TEST(ClientHttp2, RequestAndAnswerStreamAtOnce) {
  TestServer server(&answer);
  EXPECT_EQ(runtime::block_on(talk(server.address, h2())), "first second third 18");
  server.stop();
}

TEST(ClientHttp1, RequestAndAnswerStreamAtOnce) {
  TestServer server(&answer);
  EXPECT_EQ(runtime::block_on(talk(server.address, {})).substr(0, 18), "first second third");
  server.stop();
}

TEST(ClientHttp2, ALargeBodyGoesThereAndBackThroughBothWindows) {
  TestServer server(&answer);
  EXPECT_EQ(runtime::block_on(upload_large(server.address)), "same");
  server.stop();
}

TEST(ClientHttp2, DroppingAnAnswerResetsItsStreamOnly) {
  TestServer server(&answer);
  EXPECT_EQ(runtime::block_on(drop_an_endless_answer(server.address)), "/after");
  server.stop();
}

TEST(ClientHttp2, ASlowReaderHoldsNobodyUp) {
  TestServer server(&answer);
  EXPECT_EQ(runtime::block_on(a_slow_reader_holds_nobody_up(server.address)), "/after");
  server.stop();
}

TEST(ClientHttp2, ADeadlineResetsTheStreamAndReachesTheHandler) {
  handler_cancelled = false;
  TestServer server(&answer);
  EXPECT_EQ(runtime::block_on(past_its_deadline(server.address)), "upstream_timeout /after");
  server.stop();
  EXPECT_TRUE(handler_cancelled);
}

namespace {
Task<std::string> across_a_drain(TestServer& server) {
  Client client(h2());
  Context root;
  Context ctx(root, 10s);
  auto turns = std::make_shared<Turns>();
  Request request = request_to(server.address, Method::Post, "/echo");
  request.upload = std::make_unique<Talker>(turns);
  turns->to_send.try_push("before ");
  auto response = co_await client.send(ctx, std::move(request));
  if (!response) co_return response.error().to_string();
  auto piece = co_await response->body.next(ctx);
  if (!piece || !*piece) co_return "nothing before";
  std::string heard(**piece);
  // GOAWAY: the stream in flight goes on to its end.
  std::atomic<bool> drained{false};
  std::thread drain([&] {
    server.drain(5s);
    drained = true;
  });
  while (server::TestClient(server.address).connected) (void)co_await runtime::yield_now();  // until it listens no more
  turns->to_send.try_push("after");
  turns->to_send.close();
  auto rest = co_await response->body.all(ctx, 1000);
  while (!drained) (void)co_await runtime::sleep_for(ctx, 1ms);  // this loop must go on, to close its side
  drain.join();
  if (!rest) co_return "broke off";
  const std::string refused = co_await text_of(client, ctx, request_to(server.address, Method::Get, "/x"));
  co_return heard + std::string(*rest) + (refused.find("UNAVAILABLE") != std::string::npos ? " then unavailable" : refused);
}
}  // namespace

TEST(ClientHttp2, AStreamInFlightSurvivesGoaway) {
  TestServer server(&answer);
  EXPECT_EQ(runtime::block_on(across_a_drain(server)), "before after then unavailable");
  server.stop();
}
