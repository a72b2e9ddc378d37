#include "yun/gateway/forward/proxy.hpp"

#include <gtest/gtest.h>

#include "yun/http/client/client.hpp"
#include "yun/http/client/peer_for_tests.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::gateway;
using http::client::dead_address;
using http::client::Peer;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A gateway's snapshot with one route to one upstream, as the file would say it.
struct Way {
  Way(const std::string& endpoints, const std::string& more) {
    const std::string text = "upstreams: { a: { to: \"static://" + endpoints + "\", lb: round_robin } }\nroutes: [ { name: all, match: path(/*), to: a" + more + " } ]\n";
    auto parsed = Config::parse(text, "test.yaml");
    EXPECT_TRUE(parsed.ok()) << parsed.error().message();
    snapshot.config = std::move(*parsed);
    snapshot.upstreams.push_back(*Upstream::open(snapshot.config.upstreams[0], client));
  }
  Task<std::string> send(http::Method method, std::string body, http::Response& response) {
    Context root;
    Context ctx(root, 5s);
    http::Request request;
    request.method = method;
    request.target = request.path = "/";
    request.peer = *runtime::Address::parse("192.0.2.1:5");
    request.headers.add("tracestate", "Not Good");
    request.body = http::Body(std::move(body));
    const Exchange exchange{snapshot, snapshot.config.routes[0], request};
    Forward on(ctx, exchange, response);
    auto sent = co_await on.send();
    auto done = on.finish(std::move(sent));
    if (!done) co_return done.error().reason();
    co_return std::to_string(response.status);
  }
  http::Client client;
  Snapshot snapshot;
};

/// The answers of `count` requests, with how many requests reached the first of the peers.
struct Told {
  std::vector<std::string> answers;
  std::size_t connections = 0;
  std::string received;
};
Task<Told> tell(Peer::Script script, std::string more, http::Method method, int count, bool with_dead = false, std::string body = "") {
  Peer peer(std::move(script));
  Way way((with_dead ? dead_address() + "," : "") + peer.address().to_string(), more);
  Told told;
  for (int i = 0; i < count; ++i) {
    http::Response response;
    auto answer = co_await way.send(method, body, response);
    told.answers.push_back(std::move(answer));
  }
  co_await peer.stop();
  told.connections = peer.connections();
  told.received = peer.received();
  co_return told;
}

std::vector<std::string> all(int count, std::string answer) { return std::vector<std::string>(static_cast<std::size_t>(count), answer); }

Task<std::string> head_of_an_answer() {
  Peer peer({{"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nConnection: keep-alive\r\n\r\n"}});
  Way way(peer.address().to_string(), "");
  http::Response response;
  std::string told = co_await way.send(http::Method::Head, "", response);
  told += ' ';
  for (const auto field : response.headers) told += std::string(field.name) + "=" + std::string(field.value) + " ";
  EXPECT_TRUE(response.body.empty());
  co_await peer.stop();
  co_return told;
}

Task<std::vector<unsigned>> weights_while_streaming() {
  Peer peer({{"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"}});
  Way way(peer.address().to_string(), "");
  const auto weight = [&] { return way.snapshot.upstreams[0]->channel().states().at(0).in_flight; };
  std::vector<unsigned> weights;
  {
    http::Response response;
    const std::string told = co_await way.send(http::Method::Get, "", response);
    EXPECT_EQ(told, "200");
    EXPECT_NE(response.stream, nullptr);
    weights.push_back(weight());
  }
  weights.push_back(weight());
  co_await peer.stop();
  co_return weights;
}

}  // namespace

TEST(Forward, ARefusedConnectionIsTriedElsewhereWhateverTheMethod) {
  const auto told = runtime::block_on(tell(Peer::Script(8, {kOk}), "", http::Method::Post, 8, true));
  EXPECT_EQ(told.answers, all(8, "200"));
}

TEST(Forward, TheBodyGoesAlongToTheOtherEndpoint) {
  const auto told = runtime::block_on(tell({{kOk}}, "", http::Method::Post, 1, true, "hello\r\n\r\n"));
  EXPECT_EQ(told.answers, all(1, "200"));
  EXPECT_NE(told.received.find("hello"), std::string::npos);
}

TEST(Forward, NoRetriesMeansNone) {
  const auto told = runtime::block_on(tell(Peer::Script(8, {kOk}), ", retries: 0", http::Method::Get, 2, true));
  EXPECT_EQ(told.answers, (std::vector<std::string>{"upstream_connect", "200"}));
  const auto reset = runtime::block_on(tell({{Peer::kClose}, {kOk}}, ", retries: 0", http::Method::Get, 1));
  EXPECT_EQ(reset.answers, all(1, "upstream_reset"));
  EXPECT_EQ(reset.connections, 1U);
}

TEST(Forward, AnIdempotentRequestIsSentAgainWhenItsConnectionBreaks) {
  const auto told = runtime::block_on(tell({{Peer::kClose}, {kOk}}, "", http::Method::Get, 1));
  EXPECT_EQ(told.answers, all(1, "200"));
  EXPECT_EQ(told.connections, 2U);
}

TEST(Forward, APostIsNotSentAgainWhenItsConnectionBreaks) {
  const auto told = runtime::block_on(tell({{Peer::kClose}, {kOk}}, "", http::Method::Post, 1));
  EXPECT_EQ(told.answers, all(1, "upstream_reset"));
  EXPECT_EQ(told.connections, 1U);
}

TEST(Forward, RetriesAreAFifthOfTheTraffic) {
  // The budget allows three a second however little there is, over ten seconds: 30, and a fifth of what is asked.
  const auto told = runtime::block_on(tell(Peer::Script(400, {Peer::kClose}), ", retries: 5", http::Method::Get, 100));
  EXPECT_EQ(told.connections, 100U + 30U + 20U);
}

TEST(Forward, AnAnswerToHeadSaysHowLongTheBodyWouldBe) {
  EXPECT_EQ(runtime::block_on(head_of_an_answer()), "200 content-length=1234 ");
}

TEST(Forward, AStreamWeighsOnItsEndpointUntilItGoes) {
  EXPECT_EQ(runtime::block_on(weights_while_streaming()), (std::vector<unsigned>{1, 0}));
}

TEST(Forward, AClientsTracestateIsNotPassedOnUnchecked) {
  const auto told = runtime::block_on(tell({{kOk}}, "", http::Method::Get, 1));
  EXPECT_EQ(told.received.find("tracestate"), std::string::npos) << told.received;
  EXPECT_NE(told.received.find("traceparent: "), std::string::npos);
}
