#include "yun/http/client/channel.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "yun/http/client/peer_for_tests.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;
using client::dead_address;
using client::Peer;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const std::string kBad = "HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n";

Task<std::string> call(Channel& channel) {
  Context root;
  Context ctx(root, 5s);
  Request request;
  request.target = "/";
  auto response = co_await channel.send(ctx, std::move(request));
  if (!response) co_return response.error().reason();
  co_return std::to_string(response->status);
}

/// A channel that takes its endpoints in turn.
std::unique_ptr<Channel> in_turn(const std::string& first, const std::string& second) {
  Client client;
  ChannelOptions options;
  options.balance.policy = balance::Policy::RoundRobin;
  return *Channel::open(client, "static://" + first + "," + second, options);
}

Task<std::vector<std::string>> with_a_dead_endpoint() {
  Peer peer(Peer::Script(20, {kOk}));
  auto channel = in_turn(dead_address(), peer.address().to_string());
  std::vector<std::string> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(co_await call(*channel));
  for (const auto& state : channel->states()) {
    if (state.endpoint.address != peer.address()) answers.push_back(state.ejected ? "ejected" : "kept");
  }
  co_await peer.stop();
  co_return answers;
}

Task<std::string> with_nothing_alive() {
  Client client;
  auto channel = Channel::open(client, "static://" + dead_address());
  co_return co_await call(**channel);
}

Task<std::vector<std::string>> with_a_failing_endpoint() {
  Peer bad(Peer::Script(20, {kBad}));
  Peer good(Peer::Script(40, {kOk}));
  auto channel = in_turn(bad.address().to_string(), good.address().to_string());
  std::vector<std::string> answers;
  for (int i = 0; i < 30; ++i) answers.push_back(co_await call(*channel));
  co_await bad.stop();
  co_await good.stop();
  co_return answers;
}

/// What a request got and what it cost.
struct Told {
  std::string answer;
  std::size_t connections = 0;
  std::string received;
};

struct Streamed final : BodyProducer {
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override { co_return co_await out.write(ctx, "some"); }
};

/// To one endpoint, on a fresh connection each time.
Task<Told> to_a_lone_endpoint(Peer::Script script, Request request, Channel::Call call = {}) {
  Peer peer(std::move(script));
  Client client;
  auto channel = Channel::open(client, "static://" + peer.address().to_string());
  Context root;
  Context ctx(root, 5s);
  Response response;
  auto sent = co_await (*channel)->send(ctx, request, response, call);
  Told told;
  told.answer = sent ? std::to_string(response.status) : sent.error().reason();
  const bool is_empty = response.headers.empty() && response.body.empty();
  EXPECT_TRUE(sent || is_empty);
  co_await peer.stop();
  told.connections = peer.connections();
  told.received = peer.received();
  co_return told;
}

Request request_of(Method method, std::string body = "") {
  Request request;
  request.method = method;
  request.target = "/";
  request.body = Body(std::move(body));
  return request;
}

/// A peer that breaks off and one that answers; GETs, whose tries go on at the other.
Task<std::vector<std::string>> with_an_endpoint_that_breaks_off() {
  Peer bad(Peer::Script(20, {Peer::kClose}));
  Peer good(Peer::Script(40, {kOk}));
  auto channel = in_turn(bad.address().to_string(), good.address().to_string());
  std::vector<std::string> answers;
  for (int i = 0; i < 12; ++i) answers.push_back(co_await call(*channel));
  answers.push_back(std::to_string(bad.connections()));
  co_await bad.stop();
  co_await good.stop();
  co_return answers;
}

Task<std::size_t> many_that_break_off(resilience::RetryBudgetOptions budget, int calls) {
  Peer peer(Peer::Script(200, {Peer::kClose}));
  Client client;
  ChannelOptions options;
  options.retry_budget = budget;
  auto channel = Channel::open(client, "static://" + peer.address().to_string(), options);
  for (int i = 0; i < calls; ++i) (void)co_await call(**channel);
  co_await peer.stop();
  co_return peer.connections();
}

/// Calls while nobody is there, and then some of which an endpoint breaks every one off: how many of these were answered.
Task<std::string> after_an_outage() {
  Peer bad(Peer::Script(20, {Peer::kClose}));
  Peer good(Peer::Script(40, {kOk}));
  Client client;
  balance::StaticResolver* source = nullptr;
  ChannelOptions options;
  options.balance.policy = balance::Policy::RoundRobin;
  options.retry_budget = {.share = 0, .min_per_second = 0.1};  // one retry
  std::vector<balance::Endpoint> dead;
  for (int i = 0; i < 2; ++i) dead.push_back({*runtime::Address::parse(dead_address()), "", 1, {}});
  options.resolver = [&]() -> Result<std::unique_ptr<balance::Resolver>> {
    auto made = std::make_unique<balance::StaticResolver>(dead);
    source = made.get();
    return std::unique_ptr<balance::Resolver>(std::move(made));
  };
  auto channel = Channel::open(client, "users", options);
  for (int i = 0; i < 20; ++i) (void)co_await call(**channel);
  source->set({{bad.address(), "", 1, {}}, {good.address(), "", 1, {}}});
  for (int i = 0; i < 3; ++i) (void)co_await runtime::yield_now();
  std::string told = co_await call(**channel);
  const std::string second = co_await call(**channel);
  told += " " + second;
  co_await bad.stop();
  co_await good.stop();
  co_return told;
}

Task<std::vector<unsigned>> weight_of_a_stream() {
  Peer peer({{"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"}});
  Client client;
  auto channel = Channel::open(client, "static://" + peer.address().to_string());
  const auto weight = [&] { return (*channel)->states().at(0).in_flight; };
  Context root;
  Context ctx(root, 5s);
  std::vector<unsigned> weights;
  {
    auto response = co_await (*channel)->send(ctx, request_of(Method::Get));
    EXPECT_TRUE(response);
    auto piece = co_await response->body.next(ctx);
    EXPECT_TRUE(piece);
    weights.push_back(weight());
    EXPECT_EQ((*channel)->states().at(0).successes, 1U);
  }
  weights.push_back(weight());
  co_await peer.stop();
  co_return weights;
}

/// A peer that is not ready yet, first in turn, and `other`; what a POST got, how often it was sent.
Task<std::string> beside_one_that_starts(std::string other) {
  Peer starting(Peer::Script(9, {"HTTP/1.1 503 x\r\nx-yun-reason: starting\r\ncontent-length: 5\r\n\r\nearly"}));
  Peer good(Peer::Script(9, {std::move(other)}));
  auto channel = in_turn(starting.address().to_string(), good.address().to_string());
  Context root;
  Context ctx(root, 5s);
  Request request = request_of(Method::Post);
  Response response;
  Channel::Call call;
  auto sent = co_await channel->send(ctx, request, response, call);
  std::string told = sent ? std::to_string(response.status) : sent.error().reason();
  told += " " + std::string(response.body.bytes()) + " after " + std::to_string(call.attempts);
  co_await starting.stop();
  co_await good.stop();
  co_return told;
}

/// Both endpoints are silent at first, one for good.
Task<std::string> between_two_that_are_silent() {
  Peer slow(Peer::Script{{}, {kOk}});
  Peer silent(Peer::Script(9, std::vector<std::string>{}));
  auto channel = in_turn(slow.address().to_string(), silent.address().to_string());
  Context root;
  Context ctx(root, 10s);
  Request request = request_of(Method::Get);
  Response response;
  Channel::Call call{.try_timeout = 20ms};
  auto sent = co_await channel->send(ctx, request, response, call);
  const std::string told = (sent ? std::to_string(response.status) : sent.error().reason()) + " after " + std::to_string(call.attempts);
  co_await slow.stop();
  co_await silent.stop();
  co_return told;
}

/// A peer that takes requests and never answers, the first in turn, and one that does. What the request got, how often it was sent, who was given up.
Task<std::string> beside_a_silent_endpoint(Request request, Duration deadline, resilience::RetryBudgetOptions budget = {}) {
  Peer silent(Peer::Script(9, std::vector<std::string>{}));
  Peer good(Peer::Script(9, {kOk}));
  Client client;
  ChannelOptions options;
  options.balance.policy = balance::Policy::RoundRobin;
  options.retry_budget = budget;
  auto channel = Channel::open(client, "static://" + silent.address().to_string() + "," + good.address().to_string(), options);
  Context root;
  Context ctx(root, deadline);
  Response response;
  Channel::Call call{.try_timeout = 20ms};
  auto sent = co_await (*channel)->send(ctx, request, response, call);
  std::string told = sent ? std::to_string(response.status) : std::string(name(sent.error().code()));
  told += " after " + std::to_string(call.attempts);
  for (const auto& state : (*channel)->states()) {
    if (state.endpoint.address == silent.address()) told += ", failures " + std::to_string(state.failures);
  }
  co_await silent.stop();
  co_await good.stop();
  co_return told;
}

Task<std::string> with_a_resolver_that_cannot_be_made() {
  Client client;
  ChannelOptions options;
  options.resolver = []() -> Result<std::unique_ptr<balance::Resolver>> { return failed_precondition("no driver").with_reason("no_driver"); };
  auto channel = Channel::open(client, "users", options);
  (void)co_await call(**channel);
  co_return co_await call(**channel);
}

Task<std::vector<std::string>> as_endpoints_change() {
  Peer first(Peer::Script(5, {kOk}));
  Peer second(Peer::Script(5, {kBad}));
  Client client;
  balance::StaticResolver* source = nullptr;
  ChannelOptions options;
  const auto endpoint = [](const Peer& peer) { return balance::Endpoint{peer.address(), "users", 1, {}}; };
  options.resolver = [&]() -> Result<std::unique_ptr<balance::Resolver>> {
    auto made = std::make_unique<balance::StaticResolver>(std::vector{endpoint(first)});
    source = made.get();
    return std::unique_ptr<balance::Resolver>(std::move(made));
  };
  auto channel = Channel::open(client, "users", options);
  std::vector<std::string> answers;
  answers.push_back(co_await call(**channel));
  source->set({endpoint(second)});
  for (int i = 0; i < 3; ++i) (void)co_await runtime::yield_now();
  answers.push_back(co_await call(**channel));
  answers.push_back(first.received().find("host: users\r\n") != std::string::npos ? "users" : "other");
  co_await first.stop();
  co_await second.stop();
  co_return answers;
}

}  // namespace

TEST(Channel, ARefusedConnectionIsTriedElsewhereAndEjected) {
  auto answers = runtime::block_on(with_a_dead_endpoint());
  ASSERT_EQ(answers.size(), 21U);
  EXPECT_EQ(answers.back(), "ejected");
  answers.pop_back();
  for (const auto& answer : answers) EXPECT_EQ(answer, "200");
}

TEST(Channel, NothingAliveSaysUpstreamConnect) { EXPECT_EQ(runtime::block_on(with_nothing_alive()), "upstream_connect"); }

TEST(Channel, AnEndpointThatAnswers5xxIsEjectedAfterFive) {
  const auto answers = runtime::block_on(with_a_failing_endpoint());
  EXPECT_EQ(std::ranges::count(answers, "503"), 5);
}

TEST(Channel, AnIdempotentRequestWhoseConnectionBrokeIsTriedElsewhereAndItsEndpointEjected) {
  auto answers = runtime::block_on(with_an_endpoint_that_breaks_off());
  EXPECT_EQ(answers.back(), "5");
  answers.pop_back();
  for (const auto& answer : answers) EXPECT_EQ(answer, "200");
}

TEST(Channel, ALoneEndpointGetsAnIdempotentRequestAgain) {
  const auto told = runtime::block_on(to_a_lone_endpoint({{Peer::kClose}, {Peer::kClose}, {kOk}}, request_of(Method::Get)));
  EXPECT_EQ(told.answer, "200");
  EXPECT_EQ(told.connections, 3U);
}

TEST(Channel, ItsTriesEnd) {
  const auto told = runtime::block_on(to_a_lone_endpoint(Peer::Script(9, {Peer::kClose}), request_of(Method::Get)));
  EXPECT_EQ(told.answer, "upstream_reset");
  EXPECT_EQ(told.connections, 3U);
  const auto once = runtime::block_on(to_a_lone_endpoint(Peer::Script(9, {Peer::kClose}), request_of(Method::Get), {.max_attempts = 1}));
  EXPECT_EQ(once.connections, 1U);
}

TEST(Channel, APostWhoseConnectionBrokeIsNotSentAgain) {
  const auto told = runtime::block_on(to_a_lone_endpoint({{Peer::kClose}, {kOk}}, request_of(Method::Post)));
  EXPECT_EQ(told.answer, "upstream_reset");
  EXPECT_EQ(told.connections, 1U);
}

TEST(Channel, APostThatMayBeDoneTwiceIsSentAgain) {
  Request keyed = request_of(Method::Post);
  keyed.headers.add("idempotency-key", "k1");
  EXPECT_EQ(runtime::block_on(to_a_lone_endpoint({{Peer::kClose}, {kOk}}, std::move(keyed))).answer, "200");
  EXPECT_EQ(runtime::block_on(to_a_lone_endpoint({{Peer::kClose}, {kOk}}, request_of(Method::Post), {.idempotent = true})).answer, "200");
}

TEST(Channel, ABodyIsSentAgainWhole) {
  const auto told = runtime::block_on(to_a_lone_endpoint({{Peer::kClose}, {kOk}}, request_of(Method::Put, "hello\r\n\r\n")));
  EXPECT_EQ(told.answer, "200");
  EXPECT_NE(told.received.rfind("hello"), told.received.find("hello")) << told.received;
}

TEST(Channel, WhatWasStreamedIsNotSentAgain) {
  Request upload = request_of(Method::Put);
  upload.upload = std::make_unique<Streamed>();
  const auto told = runtime::block_on(to_a_lone_endpoint({{Peer::kClose}, {kOk}}, std::move(upload)));
  EXPECT_EQ(told.answer, "upstream_reset");
  EXPECT_EQ(told.connections, 1U);
  const auto large = runtime::block_on(to_a_lone_endpoint({{Peer::kClose}, {kOk}}, request_of(Method::Put, std::string(1 << 20, 'x'))));
  EXPECT_EQ(large.answer, "upstream_reset");
  EXPECT_EQ(large.connections, 1U);
}

TEST(Channel, AnEndpointThatIsSilentCostsAnIdempotentRequestOneTry) {
  EXPECT_EQ(runtime::block_on(beside_a_silent_endpoint(request_of(Method::Get), 10s)), "200 after 2, failures 1");
  Request keyed = request_of(Method::Post, "hello");
  keyed.headers.add("idempotency-key", "k1");
  EXPECT_EQ(runtime::block_on(beside_a_silent_endpoint(std::move(keyed), 10s)), "200 after 2, failures 1");
}

TEST(Channel, WhereAllAreSilentTheFirstIsAskedAgain) { EXPECT_EQ(runtime::block_on(between_two_that_are_silent()), "200 after 3"); }

TEST(Channel, AServiceThatIsStartingHasDoneNothingSoAnotherIsAsked) {
  EXPECT_EQ(runtime::block_on(beside_one_that_starts(kOk)), "200 ok after 2");
  EXPECT_EQ(runtime::block_on(beside_one_that_starts(kBad)), "503  after 2");
}

TEST(Channel, ATryThatMayNotBeRepeatedHasTheWholeDeadline) {
  const std::string waited = "DEADLINE_EXCEEDED after 1, failures 1";
  EXPECT_EQ(runtime::block_on(beside_a_silent_endpoint(request_of(Method::Post), 100ms)), waited) << "it may have been done";
  EXPECT_EQ(runtime::block_on(beside_a_silent_endpoint(request_of(Method::Get), 100ms, {.share = 0, .min_per_second = 0})), waited) << "no budget";
}

TEST(Channel, TriesStayWithinTheBudget) {
  EXPECT_EQ(runtime::block_on(many_that_break_off({.share = 0, .min_per_second = 0.5}, 20)), 25U);
  EXPECT_EQ(runtime::block_on(many_that_break_off({.share = 0.2, .min_per_second = 0}, 20)), 24U);
}

TEST(Channel, AnOutageLeavesTheBudgetForItsEnd) { EXPECT_EQ(runtime::block_on(after_an_outage()), "200 200"); }

TEST(Channel, AStreamWeighsOnItsEndpointUntilItGoes) {
  EXPECT_EQ(runtime::block_on(weight_of_a_stream()), (std::vector<unsigned>{1, 0}));
}

TEST(Channel, AResolverThatCannotBeMadeIsWhatEveryCallGets) {
  EXPECT_EQ(runtime::block_on(with_a_resolver_that_cannot_be_made()), "no_driver");
}

TEST(Channel, FollowsItsResolver) {
  const auto answers = runtime::block_on(as_endpoints_change());
  EXPECT_EQ(answers, (std::vector<std::string>{"200", "503", "users"}));
}

TEST(Channel, ABadUrlIsRefusedWhenItIsOpened) {
  Client client;
  auto channel = Channel::open(client, "users:80");
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code(), Code::InvalidArgument);
}
