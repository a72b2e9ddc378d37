#include "yun/http/client/client.hpp"

#include <gtest/gtest.h>

#include "yun/http/client/peer_for_tests.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;
using client::Peer;

namespace {

using Script = Peer::Script;

struct Got {
  int status = 0;
  std::string body;
  std::string why;
  std::string trailer;
};

Task<Got> fetch(Client& client, Request request, Duration timeout = 5s) {
  Context root;
  Context ctx(root, timeout);
  Got got;
  auto response = co_await client.send(ctx, std::move(request));
  if (!response) {
    got.why = response.error().reason().empty() ? std::string(name(response.error().code())) : response.error().reason();
    co_return got;
  }
  got.status = response->status;
  auto body = co_await response->body.all(ctx, 10_MiB);
  if (!body) {
    got.why = body.error().reason().empty() ? std::string(name(body.error().code())) : body.error().reason();
    co_return got;
  }
  got.body = *body;
  if (response->body.trailers()) got.trailer = std::string(response->body.trailers()->get("x-sum").value_or(""));
  co_return got;
}

Request request_to(const Peer& peer, Method method = Method::Get, std::string target = "/") {
  return *make_request(method, "http://" + peer.address().to_string() + target);
}

/// One exchange against a peer that answers with `answers`, one a request.
Task<Got> exchange(Script script, Method method = Method::Get, std::string body = "") {
  Peer peer(std::move(script));
  Client client;
  Request request = request_to(peer, method);
  request.body = Body(std::move(body));
  Got got = co_await fetch(client, std::move(request));
  co_await peer.stop();
  co_return got;
}

const std::string kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

}  // namespace

TEST(Client, ReadsABodyByItsLength) {
  const Got got = runtime::block_on(exchange({{kOk}}));
  EXPECT_EQ(got.why, "");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "ok");
}

TEST(Client, ReadsAChunkedBodyWithItsTrailers) {
  const Got got = runtime::block_on(exchange({{"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", "2\r\nde\r\n0\r\nx-sum: 5\r\n\r\n"}}));
  EXPECT_EQ(got.body, "abcde");
  EXPECT_EQ(got.trailer, "5");
}

TEST(Client, ReadsABodyThatEndsWithTheConnection) {
  const Got got = runtime::block_on(exchange({{"HTTP/1.0 200 OK\r\n\r\nall of it", Peer::kClose}}));
  EXPECT_EQ(got.body, "all of it");
}

TEST(Client, SkipsInterimResponses) {
  const Got got = runtime::block_on(exchange({{"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + kOk}}));
  EXPECT_EQ(got.body, "ok");
}

TEST(Client, AHeadAnswerHasNoBodyWhateverItsLengthSays) {
  const Got got = runtime::block_on(exchange({{"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"}}, Method::Head));
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "");
}

TEST(Client, ABodyThatBreaksOffIsAReset) {
  const Got got = runtime::block_on(exchange({{"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", Peer::kClose}}));
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.why, "upstream_reset");
}

TEST(Client, AmbiguousOrMalformedHeadsAreRefused) {
  const std::string heads[] = {
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk",
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
      "HTTP/2 200\r\n\r\n",
      "HTTP/1.1 20x OK\r\n\r\n",
      "SSH-2.0-OpenSSH\r\n",
      "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nx: a\nb\r\n\r\n",
  };
  for (const auto& head : heads) EXPECT_EQ(runtime::block_on(exchange({{head}})).why, "upstream_protocol") << head;
}

TEST(Client, AHeadPastItsLimitIsRefused) {
  EXPECT_EQ(runtime::block_on(exchange({{"HTTP/1.1 200 OK\r\nx: " + std::string(70'000, 'a')}})).why, "upstream_protocol");
}

TEST(Client, NothingListeningIsUnavailableAndSaysWhenToTryAgain) {
  const auto got = runtime::block_on([]() -> Task<Result<Response>> {
    Client client;
    Context ctx;
    std::string url = "http://127.0.0.1:1/";
    co_return co_await client.get(ctx, url);
  }());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::Unavailable);
  EXPECT_EQ(got.error().reason(), "upstream_connect");
  EXPECT_TRUE(got.error().retry_after());
}

namespace {
Task<Got> too_slow() {
  Peer peer(Script{{}});
  Client client;
  Got got = co_await fetch(client, request_to(peer), 20ms);
  co_await peer.stop();
  co_return got;
}

Task<std::pair<std::size_t, std::vector<std::string>>> twice(Script script, Method method = Method::Get) {
  Peer peer(std::move(script));
  Client client;
  std::vector<std::string> bodies;
  for (int i = 0; i < 2; ++i) {
    Got got = co_await fetch(client, request_to(peer, method));
    bodies.push_back(got.body + got.why);
    for (int turns = 0; turns < 3; ++turns) (void)co_await runtime::yield_now();
  }
  co_await peer.stop();
  co_return std::pair{peer.connections(), bodies};
}
}  // namespace

TEST(Client, TheDeadlineEndsAWaitForTheHead) { EXPECT_EQ(runtime::block_on(too_slow()).why, "upstream_timeout"); }

TEST(Client, AConnectionServesAgain) {
  const auto [connections, bodies] = runtime::block_on(twice({{kOk}, {kOk}}));
  EXPECT_EQ(connections, 1U);
  EXPECT_EQ(bodies, (std::vector<std::string>{"ok", "ok"}));
}

TEST(Client, AConnectionThatSaysCloseServesOnce) {
  const auto [connections, bodies] = runtime::block_on(twice({{"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"}, {kOk}}));
  EXPECT_EQ(connections, 2U);
}

TEST(Client, AConnectionWithUnaskedBytesIsNotUsedAgain) {
  const auto [connections, bodies] = runtime::block_on(twice({{kOk + "HTTP/1.1 408 x\r\n\r\n"}, {kOk}}));
  EXPECT_EQ(connections, 2U);
  EXPECT_EQ(bodies[1], "ok");
}

TEST(Client, AKeptConnectionThatDiesUnansweredIsReplacedForASafeMethodOnly) {
  const auto [connections, bodies] = runtime::block_on(twice({{kOk}, {Peer::kClose}, {kOk}}));
  EXPECT_EQ(connections, 2U);
  EXPECT_EQ(bodies[1], "ok");
  const auto [connections_post, bodies_post] = runtime::block_on(twice({{kOk}, {Peer::kClose}, {kOk}}, Method::Post));
  EXPECT_EQ(connections_post, 1U);
  EXPECT_EQ(bodies_post[1], "upstream_reset");
}

namespace {
Task<std::string> what_is_sent(Request request, Peer& peer, std::string trace_state = "") {
  Client client;
  Context root;
  Context ctx(root, 5s);
  ctx.set_trace({0x0af7651916cd43dd, 0x8448eb211c80319c, 0xb7ad6b7169203331, true});
  ctx.set_trace_state(trace_state);
  ctx.set_request_id("r-1");
  auto response = co_await client.send(ctx, std::move(request));
  EXPECT_TRUE(response);
  co_await peer.stop();
  co_return peer.received();
}
Task<std::string> a_get() {
  Peer peer({{kOk}});
  Request request = request_to(peer, Method::Get, "/a?b=c#d");
  co_return co_await what_is_sent(std::move(request), peer);
}
Task<std::string> a_get_with_tracestate(std::string state) {
  Peer peer({{kOk}});
  Request request = request_to(peer, Method::Get, "/");
  request.headers.add("tracestate", "of=another");
  co_return co_await what_is_sent(std::move(request), peer, std::move(state));
}
struct Pieces final : BodyProducer {
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    YUN_CHECK(co_await out.write(ctx, "hello "));
    (void)co_await runtime::yield_now();
    YUN_CHECK(co_await out.write(ctx, "world"));
    out.set_trailer("x-sum", "11");
    co_return Result<void>();
  }
};
Task<std::string> an_upload() {
  Peer peer({{kOk}}, "\r\n0\r\nx-sum: 11\r\n\r\n");
  Request request = request_to(peer, Method::Post);
  request.upload = std::make_unique<Pieces>();
  co_return co_await what_is_sent(std::move(request), peer);
}
}  // namespace

TEST(Client, CarriesTraceRequestIdAndDeadlineOn) {
  const std::string sent = runtime::block_on(a_get());
  EXPECT_TRUE(sent.starts_with("GET /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:")) << sent;
  EXPECT_NE(sent.find("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"), std::string::npos);
  EXPECT_NE(sent.find("x-request-id: r-1\r\n"), std::string::npos);
  EXPECT_NE(sent.find("x-request-timeout: "), std::string::npos);
  EXPECT_EQ(sent.find("content-length"), std::string::npos);
}

TEST(Client, SendsTheTracestateOfItsContextAndNoOther) {
  const std::string sent = runtime::block_on(a_get_with_tracestate("vendor=1,other=2"));
  EXPECT_NE(sent.find("tracestate: vendor=1,other=2\r\n"), std::string::npos) << sent;
  EXPECT_EQ(sent.find("of=another"), std::string::npos);
  const std::string without = runtime::block_on(a_get_with_tracestate(""));
  EXPECT_NE(without.find("traceparent: "), std::string::npos);
  EXPECT_EQ(without.find("tracestate"), std::string::npos) << without;
}

TEST(Client, AnUploadIsSentInChunksWithItsTrailers) {
  const std::string sent = runtime::block_on(an_upload());
  EXPECT_NE(sent.find("transfer-encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(sent.find("\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\nx-sum: 11\r\n\r\n"), std::string::npos) << sent;
}

namespace {
struct Fails final : BodyProducer {
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    YUN_CHECK(co_await out.write(ctx, "half"));
    co_return failed_precondition("no more").with_reason("producer_failed");
  }
};
Task<Got> a_failing_upload() {
  Peer peer(Script{{}});
  Client client;
  Request request = request_to(peer, Method::Post);
  request.upload = std::make_unique<Fails>();
  Got got = co_await fetch(client, std::move(request));
  co_await peer.stop();
  co_return got;
}

Task<void> one_of_many(Client& client, Peer& peer, std::vector<std::string>& results) {
  Got got = co_await fetch(client, request_to(peer));
  results.push_back(got.body + got.why);
}
Task<std::pair<std::size_t, std::vector<std::string>>> bounded() {
  Peer peer({{kOk}, {kOk}, {kOk}, {kOk}});
  Client client({.max_connections_per_host = 1, .max_waiting_per_host = 1});
  std::vector<std::string> results;
  runtime::Scope scope;
  for (int i = 0; i < 3; ++i) scope.spawn(one_of_many(client, peer, results));
  co_await scope.join();
  co_await peer.stop();
  co_return std::pair{peer.connections(), results};
}
}  // namespace

TEST(Client, AProducersErrorEndsTheExchange) { EXPECT_EQ(runtime::block_on(a_failing_upload()).why, "producer_failed"); }

TEST(Client, ConnectionsAndWaitersAreBounded) {
  const auto [connections, results] = runtime::block_on(bounded());
  EXPECT_EQ(connections, 1U);
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0], "client_queue_full");
  EXPECT_EQ(results[1], "ok");
  EXPECT_EQ(results[2], "ok");
}

TEST(Client, RefusesWhatCouldSplitARequest) {
  const auto error = [](Request request) {
    auto result = runtime::block_on([](Request given) -> Task<Result<Response>> {
      Client client;
      Context ctx;
      co_return co_await client.send(ctx, std::move(given));
    }(std::move(request)));
    return result ? Code::Ok : result.error().code();
  };
  Request header = *make_request(Method::Get, "http://127.0.0.1:1/");
  header.headers.set("x", "a\r\nb: c");
  EXPECT_EQ(error(std::move(header)), Code::InvalidArgument);
  Request target = *make_request(Method::Get, "http://127.0.0.1:1/");
  target.target = "/ HTTP/1.1\r\nx: y";
  EXPECT_EQ(error(std::move(target)), Code::InvalidArgument);
  EXPECT_FALSE(make_request(Method::Get, "ftp://x/"));
  EXPECT_FALSE(make_request(Method::Get, "http://u:p@x/"));
  EXPECT_FALSE(make_request(Method::Get, "http://x:99999/"));
}

namespace {
struct Ping final : BodyProducer {
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override { co_return co_await out.write(ctx, "ping"); }
};
Task<std::pair<std::string, std::string>> upgraded() {
  Peer peer({{"HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\npong"}});
  Client client;
  Request request = request_to(peer);
  request.headers.set("upgrade", "echo");
  request.upload = std::make_unique<Ping>();
  Got got = co_await fetch(client, std::move(request));
  co_await peer.stop();
  co_return std::pair{std::to_string(got.status) + got.body, peer.received()};
}

/// Never ends by itself; says when it was told to stop.
struct Forever final : BodyProducer {
  explicit Forever(std::shared_ptr<bool> flag) : stopped(std::move(flag)) {}
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    YUN_CHECK(co_await out.write(ctx, "some"));
    auto slept = co_await runtime::sleep_for(ctx, 60s);
    *stopped = !slept;
    co_return std::move(slept);
  }
  std::shared_ptr<bool> stopped;
};
Task<std::pair<int, bool>> refused_early(bool read_body) {
  Peer peer({{"HTTP/1.1 413 x\r\ncontent-length: 3\r\n\r\nbig"}}, "some");
  Client client;
  Context root;
  Context ctx(root, 5s);
  auto stopped = std::make_shared<bool>(false);
  Request request = request_to(peer, Method::Post);
  request.upload = std::make_unique<Forever>(stopped);
  int status = 0;
  {
    auto response = co_await client.send(ctx, std::move(request));
    if (response) status = response->status;
    if (response && read_body) (void)co_await response->body.all(ctx, 100);  // only that it ends matters
  }
  if (!read_body) (void)co_await runtime::yield_now();
  if (!read_body) (void)co_await runtime::yield_now();
  co_await peer.stop();
  co_return std::pair{status, *stopped};
}
}  // namespace

TEST(Client, AnUpgradedConnectionIsAStreamBothWays) {
  const auto [got, sent] = runtime::block_on(upgraded());
  EXPECT_EQ(got, "101pong");
  EXPECT_NE(sent.find("connection: upgrade\r\n"), std::string::npos);
  EXPECT_TRUE(sent.ends_with("\r\n\r\nping")) << sent;
}

TEST(Client, AnAnswerBeforeTheRequestIsAllSentEndsTheUpload) {
  EXPECT_EQ(runtime::block_on(refused_early(true)), (std::pair{413, true}));
  EXPECT_EQ(runtime::block_on(refused_early(false)), (std::pair{413, true}));
}

TEST(Client, AMalformedChunkIsRefused) {
  EXPECT_EQ(runtime::block_on(exchange({{"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"}})).why, "upstream_protocol");
}

namespace {
/// Two requests to the same address under different names, then under the first again.
Task<std::vector<std::size_t>> under_names(std::vector<std::string> names) {
  Peer peer({{kOk}, {kOk}, {kOk}});
  Client client;
  Context ctx;
  std::vector<std::size_t> connections;
  for (const std::string& authority : names) {
    balance::Endpoint endpoint;
    endpoint.address = peer.address();
    endpoint.authority = authority;
    Request request;
    request.target = "/";
    Response response;
    auto sent = co_await client.send_to(ctx, endpoint, request, response);
    if (!sent) co_return connections;
    connections.push_back(peer.connections());
  }
  co_await peer.stop();
  co_return connections;
}
}  // namespace

TEST(Client, KeepsConnectionsOfOneAddressApartByName) {
  EXPECT_EQ(runtime::block_on(under_names({"a.test", "a.test", "a.test"})), (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(runtime::block_on(under_names({"a.test", "b.test", "a.test"})), (std::vector<std::size_t>{1, 2, 2}));
}

namespace {
Task<std::string> to_a_bad_name() {
  Client client;
  Context ctx;
  balance::Endpoint endpoint;
  endpoint.address = *runtime::Address::parse("127.0.0.1:9");
  endpoint.authority = "no name";
  Request request;
  request.target = "/";
  Response response;
  auto sent = co_await client.send_to(ctx, endpoint, request, response);
  co_return sent ? "" : std::string(name(sent.error().code()));
}
}  // namespace

TEST(Client, AKnownEndpointWithABadNameIsRefused) { EXPECT_EQ(runtime::block_on(to_a_bad_name()), "INVALID_ARGUMENT"); }
