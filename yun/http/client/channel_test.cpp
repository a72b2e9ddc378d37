#include "yun/http/client/channel.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "yun/http/client/peer_for_tests.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;
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

/// A port that refuses: bound, never listened to.
std::string dead_port() {
  auto listener = *runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"));
  return listener.address().to_string();
}

Task<std::vector<std::string>> with_a_dead_endpoint() {
  Peer peer(Peer::Script(20, {kOk}));
  Client client;
  ChannelOptions options;
  options.balance.policy = balance::Policy::RoundRobin;
  auto channel = Channel::open(client, "static://" + dead_port() + "," + peer.address().to_string(), options);
  std::vector<std::string> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(co_await call(**channel));
  for (const auto& state : (*channel)->states()) {
    if (state.endpoint.address != peer.address()) answers.push_back(state.ejected ? "ejected" : "kept");
  }
  co_await peer.stop();
  co_return answers;
}

Task<std::string> with_nothing_alive() {
  Client client;
  auto channel = Channel::open(client, "static://" + dead_port());
  co_return co_await call(**channel);
}

Task<std::vector<std::string>> with_a_failing_endpoint() {
  Peer bad(Peer::Script(20, {kBad}));
  Peer good(Peer::Script(40, {kOk}));
  Client client;
  ChannelOptions options;
  options.balance.policy = balance::Policy::RoundRobin;
  auto channel = Channel::open(client, "static://" + bad.address().to_string() + "," + good.address().to_string(), options);
  std::vector<std::string> answers;
  for (int i = 0; i < 30; ++i) answers.push_back(co_await call(**channel));
  co_await bad.stop();
  co_await good.stop();
  co_return answers;
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
