// Server and channel over real sockets, in one process.
#include "yun/rpc/channel.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "testing/shapes_service.hpp"
#include "yun/http/client/peer_for_tests.hpp"
#include "yun/http/server/server.hpp"
#include "yun/rpc/call.hpp"
#include "yun/rpc/server.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::rpc {
namespace {

using testing::Shape;
using Stub = testing::Shapes::Stub;
using namespace std::chrono_literals;

/// The server, and the tracestates that came to it.
struct Noting final : http::Handler {
  explicit Noting(Server& s) : server(s) {}
  Task<void> handle(Context& ctx, http::Request& request, http::Response& response) override {
    states.push_back(request.headers.joined("tracestate"));
    return server.handle(ctx, request, response);
  }
  void finished(Context& ctx, const http::Request& request, const http::Response& response, const http::Outcome& outcome) noexcept override {
    server.finished(ctx, request, response, outcome);
  }
  Server& server;
  std::vector<std::string> states;
};

/// A server and a client on one loop; run() drives both.
struct ChannelTest : ::testing::Test {
  ChannelTest() {
    server.add(service);
    http_server.start();
    open({});
  }
  void open(ChannelOptions options) {
    options.registry = &registry;
    auto opened = Channel::open(target(), std::move(options));
    EXPECT_TRUE(opened.ok());
    channel = *opened;
  }
  std::string target() const { return "static://" + bound.to_string(); }

  using Body = Task<Result<void>> (*)(ChannelTest&, Context&, Stub);
  /// Runs `body` against the server; its result must be ok.
  void run(Body body) {
    Result<void> result = unavailable("did not run");
    runtime.loop(0).post([&] { runtime.loop(0).spawn(drive(*this, body, result)); });
    runtime.run();
    EXPECT_TRUE(result.ok()) << result.error().to_string();
  }
  static Task<void> drive(ChannelTest& test, Body body, Result<void>& result) {
    Context ctx;
    Context within(ctx, 20s);
    result = co_await body(test, within, Stub(*test.channel));
    test.channel.reset();
    co_await test.http_server.drain(1s);
    test.runtime.stop();
  }

  observe::metrics::Registry registry;
  testing::ShapesService service;
  Server server{{.registry = &registry}};
  Noting noting{server};
  runtime::Runtime runtime{1};
  http::Server http_server{runtime, noting};
  runtime::Address bound = *http_server.listen(*runtime::Address::parse("127.0.0.1:0"));
  std::shared_ptr<Channel> channel;
};

TEST_F(ChannelTest, UnaryWithMetadataBothWays) {
  run([](ChannelTest& test, Context& ctx, Stub stub) -> Task<Result<void>> {
    ClientCall call(ctx, 5s);
    YUN_CHECK(call.metadata().add("x-tenant", "blue"));
    YUN_CHECK(call.metadata().add("blob-bin", std::string("\0z", 2)));
    Shape request;
    request.set_string_field("hi");
    YUN_TRY(answer, co_await stub.get_http_info(call, request));
    EXPECT_EQ(answer.string_field(), "hi");
    EXPECT_EQ(answer.words(0), "blue");
    EXPECT_EQ(answer.words(1), std::string("\0z", 2));
    EXPECT_GT(answer.int64_field(), 0);
    EXPECT_LE(answer.int64_field(), Duration(5s).count());
    EXPECT_EQ(call.initial_metadata().get("x-initial"), "first");
    EXPECT_EQ(call.trailing_metadata().get("x-trailing-bin"), std::string("\0\1", 2));
    EXPECT_NE(test.registry.render().find(R"(rpc_client_requests_total{service="yun.rpc.testing.Shapes",method="GetHTTPInfo",code="OK"} 1)"),
              std::string::npos);
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, StatusComesBackWithItsDetails) {
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    ClientCall call(ctx);
    Shape request;
    auto answer = co_await stub.fails(call, request);
    EXPECT_FALSE(answer.ok());
    if (answer) co_return Result<void>();
    EXPECT_EQ(answer.error().code(), Code::InvalidArgument);
    EXPECT_EQ(answer.error().message(), "bad shape \xe4\xba\x91");
    EXPECT_EQ(answer.error().violations().size(), 1u);
    EXPECT_EQ(answer.error().reason(), "shape_invalid");
    EXPECT_EQ(answer.error().retry_after(), 1500ms);
    EXPECT_EQ(call.trailing_metadata().get("x-trailing"), "after");
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, LargeMessagesGoBothWaysAndTooLargeOnesDoNot) {
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    Shape request;
    request.set_string_field(std::string(3 << 20, 'x'));
    YUN_TRY(answer, co_await stub.get_http_info(ctx, request));
    EXPECT_EQ(answer.string_field().size(), request.string_field().size());
    request.set_string_field(std::string(5 << 20, 'x'));
    auto refused = co_await stub.get_http_info(ctx, request);
    EXPECT_FALSE(refused.ok());
    if (!refused) {
      EXPECT_EQ(refused.error().code(), Code::ResourceExhausted) << refused.error().to_string();
    }
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, GzipBothWays) {
  open({.compress = Compress::Always});
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    Shape request;
    request.set_string_field(std::string(100'000, 'x'));
    YUN_TRY(answer, co_await stub.get_http_info(ctx, request));
    EXPECT_EQ(answer.string_field(), request.string_field());
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, ServerStreamEndsWithItsStatus) {
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    Shape request;
    request.set_int32_field(100);
    request.set_string_field("fail");
    YUN_TRY(stream, co_await stub.repeat(ctx, request));
    for (int i = 0; i < 100; ++i) {
      YUN_TRY(message, co_await stream.read(ctx));
      EXPECT_TRUE(message);
      if (!message) co_return Result<void>();
      EXPECT_EQ(message->int32_field(), i);
    }
    auto end = co_await stream.read(ctx);
    EXPECT_FALSE(end.ok());
    if (!end) {
      EXPECT_EQ(end.error().code(), Code::NotFound);
    }
    auto again = co_await stream.read(ctx);
    EXPECT_FALSE(again.ok());
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, ClientStreamGetsOneAnswer) {
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    YUN_TRY(stream, co_await stub.sum(ctx));
    for (int i = 1; i <= 100; ++i) {
      Shape request;
      request.set_int32_field(i);
      YUN_CHECK(co_await stream.write(ctx, request));
    }
    YUN_TRY(answer, co_await stream.finish(ctx));
    EXPECT_EQ(answer.int32_field(), 5050);
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, BidiAnswersWhileItIsBeingAsked) {
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    YUN_TRY(stream, co_await stub.echo(ctx));
    for (int i = 0; i < 20; ++i) {
      Shape request;
      request.set_int32_field(i);
      request.set_maybe(2);
      YUN_CHECK(co_await stream.write(ctx, request));
      for (int k = 0; k < 2; ++k) {
        YUN_TRY(answer, co_await stream.read(ctx));
        EXPECT_TRUE(answer);
        if (!answer) co_return Result<void>();
        EXPECT_EQ(answer->int32_field(), i);
      }
    }
    YUN_CHECK(co_await stream.writes_done(ctx));
    YUN_TRY(end, co_await stream.read(ctx));
    EXPECT_FALSE(end);
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, DeadlineEndsBothSides) {
  run([](ChannelTest& test, Context& ctx, Stub stub) -> Task<Result<void>> {
    Context brief(ctx, 50ms);
    Shape request;
    auto answer = co_await stub.wait(brief, request);
    EXPECT_FALSE(answer.ok());
    if (!answer) {
      EXPECT_EQ(answer.error().code(), Code::DeadlineExceeded) << answer.error().to_string();
    }
    YUN_CHECK(co_await test.service.ended.wait(ctx));
    EXPECT_TRUE(test.service.stopped_with == Code::DeadlineExceeded || test.service.stopped_with == Code::Cancelled);
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, DroppedStreamCancelsTheMethod) {
  run([](ChannelTest& test, Context& ctx, Stub stub) -> Task<Result<void>> {
    {
      Shape request;
      request.set_int32_field(1);
      request.set_string_field("wait");
      YUN_TRY(stream, co_await stub.repeat(ctx, request));
      YUN_TRY(message, co_await stream.read(ctx));
      EXPECT_TRUE(message);
    }
    YUN_CHECK(co_await test.service.ended.wait(ctx));
    EXPECT_EQ(test.service.stopped_with, Code::Cancelled);
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, CancelledContextCancelsTheMethod) {
  run([](ChannelTest& test, Context& ctx, Stub stub) -> Task<Result<void>> {
    Context inner(ctx);
    Shape request;
    request.set_int32_field(1);
    request.set_string_field("wait");
    YUN_TRY(stream, co_await stub.repeat(inner, request));
    YUN_TRY(message, co_await stream.read(inner));
    EXPECT_TRUE(message);
    inner.cancel();
    auto end = co_await stream.read(ctx);
    EXPECT_FALSE(end.ok());
    if (!end) {
      EXPECT_EQ(end.error().code(), Code::Cancelled);
    }
    YUN_CHECK(co_await test.service.ended.wait(ctx));
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, UnavailableIsTriedAgainUpToThreeTimes) {
  open({.retry = {.base = 1ms}});
  run([](ChannelTest& test, Context& ctx, Stub stub) -> Task<Result<void>> {
    Shape request;
    request.set_string_field("unavailable");
    auto answer = co_await stub.fails(ctx, request);
    EXPECT_FALSE(answer.ok());
    if (!answer) {
      EXPECT_EQ(answer.error().code(), Code::Unavailable);
    }
    EXPECT_EQ(test.service.fail_calls, 3);
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, AServerThatClosesEachConnectionAtOnceIsNotConnectedToWithoutEnd) {
  std::atomic<int> connections{0};
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const runtime::Address any = *runtime::Address::parse("127.0.0.1:0");
  ::bind(listener, static_cast<const sockaddr*>(any.data()), static_cast<socklen_t>(any.size()));
  ::listen(listener, 64);
  sockaddr_in at{};
  socklen_t size = sizeof at;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  std::thread closer([&] {
    for (int peer = 0; (peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(peer)) ++connections;
  });
  channel = *Channel::open("static://" + runtime::Address::from_sockaddr(&at, size).to_string(), {.retry = {.base = 1ms}});
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    for (int i = 0; i < 20; ++i) {
      auto answer = co_await stub.get_http_info(ctx, Shape());
      EXPECT_FALSE(answer.ok());
      if (!answer) {
        EXPECT_EQ(answer.error().code(), Code::Unavailable);
      }
    }
    co_return Result<void>();
  });
  ::shutdown(listener, SHUT_RDWR);
  closer.join();
  ::close(listener);
  EXPECT_LE(connections, 20 * 3 * 3) << "three tries of a call, each with a try or two of its own";
}

/// A target whose first endpoint, by round robin, refuses connections.
std::string with_a_dead_one(const std::string& live) { return "static://" + http::client::dead_address() + "," + live; }

TEST_F(ChannelTest, AnEndpointThatRefusesIsLeftForAnotherAtOnce) {
  ChannelOptions options{.retry = {.base = 1h, .max_pause = 1h}, .balance = {.policy = balance::Policy::RoundRobin}};
  channel = *Channel::open(with_a_dead_one(bound.to_string()), options);
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    Shape request;
    request.set_int32_field(3);
    for (int i = 0; i < 4; ++i) {
      YUN_TRY(answer, co_await stub.get_http_info(ctx, request));
      EXPECT_EQ(answer.int32_field(), 3);
    }
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, SoDoesAStream) {
  channel = *Channel::open(with_a_dead_one(bound.to_string()), {.balance = {.policy = balance::Policy::RoundRobin}});
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    for (int i = 0; i < 2; ++i) {
      YUN_TRY(stream, co_await stub.sum(ctx));
      Shape request;
      request.set_int32_field(7);
      YUN_CHECK(co_await stream.write(ctx, request));
      YUN_TRY(answer, co_await stream.finish(ctx));
      EXPECT_EQ(answer.int32_field(), 7);
    }
    co_return Result<void>();
  });
}

/// Takes a connection, waits for a request's HEADERS and closes: a server that is killed with a call in flight.
class Cutter {
 public:
  Cutter() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const runtime::Address any = *runtime::Address::parse("127.0.0.1:0");
    ::bind(fd_, static_cast<const sockaddr*>(any.data()), static_cast<socklen_t>(any.size()));
    ::listen(fd_, 16);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size);
    address = runtime::Address::from_sockaddr(&bound, size).to_string();
    thread_ = std::thread([this] { serve(); });
  }
  ~Cutter() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::string address;
  std::atomic<int> cut{0};

 private:
  void serve() {
    for (int peer = 0; (peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(peer)) {
      std::string got;
      char bytes[4096];
      ssize_t count = 0;
      while (!has_request(got) && (count = ::recv(peer, bytes, sizeof bytes, 0)) > 0) got.append(bytes, static_cast<std::size_t>(count));
      cut += has_request(got);
    }
  }
  /// A HEADERS frame behind the preface.
  static bool has_request(std::string_view bytes) {
    constexpr std::size_t kPreface = 24, kHead = 9;
    for (std::size_t at = kPreface; at + kHead <= bytes.size();) {
      if (bytes[at + 3] == 1) return true;
      const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + i])); };
      at += kHead + (byte(0) << 16 | byte(1) << 8 | byte(2));
    }
    return false;
  }
  int fd_;
  std::thread thread_;
};

TEST_F(ChannelTest, ACallWithoutSideEffectsWhoseConnectionBreaksGoesToAnotherEndpoint) {
  Cutter cutter;
  channel = *Channel::open("static://" + cutter.address + "," + bound.to_string(), {.balance = {.policy = balance::Policy::RoundRobin}});
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    Shape request;
    request.set_int32_field(3);
    for (int i = 0; i < 4; ++i) {
      YUN_TRY(answer, co_await stub.get_http_info(ctx, request));
      EXPECT_EQ(answer.int32_field(), 3);
    }
    co_return Result<void>();
  });
  EXPECT_GE(cutter.cut, 1) << "nothing was cut";
}

TEST_F(ChannelTest, ACallWithoutSideEffectsLeavesASilentEndpointAfterTheTimeOfATry) {
  // The kernel takes connections for it; nobody reads them.
  auto silent = *runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"));
  channel = *Channel::open("static://" + silent.address().to_string() + "," + bound.to_string(),
                           {.try_timeout = 20ms, .balance = {.policy = balance::Policy::RoundRobin}});
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    Shape request;
    request.set_int32_field(3);
    for (int i = 0; i < 4; ++i) {
      YUN_TRY(answer, co_await stub.get_http_info(ctx, request));
      EXPECT_EQ(answer.int32_field(), 3);
    }
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, AnotherCallIsNotSentAgainSinceItMayHaveBeenDone) {
  Cutter cutter;
  channel = *Channel::open("static://" + cutter.address, {});
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    auto answer = co_await stub.fails(ctx, Shape());
    EXPECT_FALSE(answer.ok());
    if (!answer) {
      EXPECT_EQ(answer.error().code(), Code::Unavailable);
    }
    co_return Result<void>();
  });
  EXPECT_EQ(cutter.cut, 1);
}

TEST_F(ChannelTest, TheTracestateGoesAlongWithCallsAndStreams) {
  run([](ChannelTest& test, Context& ctx, Stub stub) -> Task<Result<void>> {
    ctx.set_trace_state("vendor=1");
    Shape request;
    YUN_TRY(answer, co_await stub.get_http_info(ctx, request));
    EXPECT_EQ(answer.int32_field(), 0);
    YUN_TRY(stream, co_await stub.sum(ctx));
    YUN_TRY(sum, co_await stream.finish(ctx));
    EXPECT_EQ(sum.int32_field(), 0);
    EXPECT_EQ(test.noting.states, (std::vector<std::string>{"vendor=1", "vendor=1"}));
    co_return Result<void>();
  });
}

TEST_F(ChannelTest, ManyCallsAtOnce) {
  run([](ChannelTest&, Context& ctx, Stub stub) -> Task<Result<void>> {
    struct One {
      static Task<void> call(Context& within, Stub one, int number, int& good) {
        Shape request;
        request.set_int32_field(number);
        auto answer = co_await one.get_http_info(within, request);
        if (answer && answer->int32_field() == number) ++good;
      }
    };
    runtime::Scope scope;
    int good = 0;
    for (int i = 0; i < 300; ++i) scope.spawn(One::call(ctx, stub, i, good));
    co_await scope.join();
    EXPECT_EQ(good, 300);
    co_return Result<void>();
  });
}

TEST(Channel, BadTargetIsRefused) { EXPECT_FALSE(Channel::open("nonsense://x").ok()); }

/// Connections are taken (by the kernel), and nothing is ever answered.
TEST(Channel, AStreamMayGoBeforeItsAnswerBegins) {
  auto silent = runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"));
  ASSERT_TRUE(silent);
  const auto drop = [](std::string target) -> Task<Result<void>> {
    Context ctx;
    {
      YUN_TRY(channel, Channel::open(target));
      Stub stub(*channel);
      YUN_TRY(stream, co_await stub.echo(ctx));
      const Shape shape;
      YUN_CHECK(co_await stream.write(ctx, shape));
      YUN_CHECK(co_await runtime::sleep_for(ctx, 50ms));
    }
    co_return co_await runtime::sleep_for(ctx, 50ms);  // in which the exchange ends, though its channel is gone
  };
  auto done = runtime::block_on(drop("static://" + silent->address().to_string()));
  EXPECT_TRUE(done) << done.error().to_string();
}

TEST(Channel, NobodyThereIsUnavailable) {
  struct Call {
    static Task<Result<void>> run() {
      Context ctx;
      Context within(ctx, 5s);
      auto channel = Channel::open("static://127.0.0.1:1", {.retry = {.base = 1ms}});
      if (!channel) co_return std::move(channel).error();
      Stub stub(**channel);
      Shape request;
      auto answer = co_await stub.get_http_info(within, request);
      if (!answer) co_return std::move(answer).error();
      co_return Result<void>();
    }
  };
  auto result = runtime::block_on(Call::run());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::Unavailable) << result.error().to_string();
}

}  // namespace
}  // namespace yun::rpc
