// The consul driver on a real Consul: the conformance suite, and what happens when the registry is away, empty or back.
#include "yun/discovery/consul/consul.hpp"

#include <unistd.h>

#include <set>

#include "yun/discovery/live_for_tests.hpp"

using namespace std::chrono_literals;

namespace yun::discovery {
namespace {

/// A server of its own for each test, with a leader.
class ConsulTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = testing::Peer::start("consul");
    ASSERT_TRUE(started) << started.error().to_string();
    consul_.emplace(*std::move(started));
    await_leader();
  }
  /// It takes connections before it can do anything.
  void await_leader() {
    for (int i = 0; i < 200; ++i) {
      if (ask(consul_->address(), "PUT", "/v1/kv/ready", "yes").status == 200 && ask(consul_->address(), "GET", "/v1/health/service/consul?passing=1").status == 200) return;
      std::this_thread::sleep_for(100ms);
    }
    FAIL() << "consul has no leader";
  }
  std::string url(std::string_view rest = "") const { return "consul://" + consul_->address().to_string() + std::string(rest); }
  /// Makes these the instances of `users`, without checks of their own.
  void publish(const std::vector<std::string>& addresses) {
    const std::set<std::string> wanted(addresses.begin(), addresses.end());
    for (const std::string& each : published_) {
      if (!wanted.contains(each)) ask(consul_->address(), "PUT", "/v1/agent/service/deregister/" + each);
    }
    for (const std::string& each : wanted) {
      const auto colon = each.rfind(':');
      const std::string body = R"({"ID":")" + each + R"(","Name":"users","Address":")" + each.substr(0, colon) + R"(","Port":)" + each.substr(colon + 1) + "}";
      EXPECT_EQ(ask(consul_->address(), "PUT", "/v1/agent/service/register", body).status, 200);
    }
    published_ = wanted;
  }
  std::optional<testing::Peer> consul_;
  std::set<std::string> published_;
};

TEST_F(ConsulTest, Conforms) {
  const ResolverUnderTest given{.make = [this] { return open(url("/users")); },
                                .publish = [this](std::vector<std::string> list) { publish(list); },
                                .take_away = [this](bool away) { away ? consul_->freeze() : consul_->resume(); },
                                .patience = 40s};
  for (const auto& fault : runtime::block_on(conforms(given))) ADD_FAILURE() << fault;
}

/// Registers with a check that Consul itself asks, which is critical until it has been asked; nobody answers here.
Task<Result<void>> not_passing(Life& life, std::string at, std::string check) {
  YUN_TRY(registry, open_registry(at + check));
  YUN_TRY(resolver, open(at + "/orders?guard=0s"));
  life.registry = std::move(registry);
  Instance instance{.service = "orders", .id = "orders-1", .address = *runtime::Address::parse("127.0.0.1:7001")};
  YUN_CHECK(co_await life.registry->register_self(life.ctx, std::move(instance)));
  YUN_TRY(set, co_await resolver->resolve(life.ctx));
  EXPECT_EQ(told(set), "nothing") << check;
  co_return Result<void>();
}

TEST_F(ConsulTest, AProgramIsFoundWithItsLabelsUntilItDeregisters) {
  EXPECT_EQ(registered_and_gone(url("?ttl=5s"), url("/orders?guard=0s")), "127.0.0.1:7001*3 orders version=2, then nothing");
  for (const char* check : {"?check=http&interval=5s", "?check=grpc&interval=5s"})
    expect_ok(runtime::block_on(live([&](Life& life) { return not_passing(life, url(), check); })));
}

TEST_F(ConsulTest, AnEmptySetIsNotBelievedAtOnce) {
  expect_ok(runtime::block_on(live([&](Life& life) { return guarded(life, url(), url("/orders?guard=2s")); })));
}

TEST_F(ConsulTest, ARegistryThatComesBackEmptyIsTakenUpByItself) {
  expect_ok(runtime::block_on(live([&](Life& life) { return restarted(life, *consul_, url("?ttl=3s"), url("/orders?guard=0s")); })));
}

/// An instance that stops saying that it lives, as when its process dies.
Task<std::string> silent(std::string at, testing::Peer& consul) {
  Context root;
  Context ctx(root, 60s);
  auto resolver = open(at + "/quiet?guard=0s");
  const auto put = [&](std::string_view path, std::string_view body = "") { return ask(consul.address(), "PUT", path, body).status; };
  if (put("/v1/agent/service/register", R"({"ID":"q1","Name":"quiet","Address":"127.0.0.1","Port":7,"Check":{"TTL":"1s","Status":"passing"}})") != 200) co_return "not registered";
  auto set = co_await (*resolver)->resolve(ctx);
  if (!set || set->endpoints.size() != 1) co_return "not found while it passes";
  auto after = co_await (*resolver)->next(ctx, set->revision);
  if (!after) co_return after.error().to_string();
  co_return std::to_string(after->endpoints.size()) + " after its time to live";
}

TEST_F(ConsulTest, AnInstanceWhoseCheckTurnsCriticalIsOutOfTheSet) { EXPECT_EQ(runtime::block_on(silent(url(), *consul_)), "0 after its time to live"); }

TEST_F(ConsulTest, AKeyIsASourceThatTellsEachChange) {
  const auto put = [&](std::string text) {
    for (const char* key : {"/v1/kv/config/app", "/v1/kv/config/other"}) EXPECT_EQ(ask(consul_->address(), "PUT", key, text).status, 200);
  };
  EXPECT_EQ(runtime::block_on(texts(url("/config/app"), put)), (std::vector<std::string>{"NOT_FOUND", "one", "two", "three"}));
}

TEST_F(ConsulTest, AStartWithoutTheRegistryUsesWhatWasKeptOnDisk) {
  const std::string file = ::testing::TempDir() + "yun_consul_" + std::to_string(::getpid());
  publish({"127.0.0.1:7001", "127.0.0.1:7002"});
  EXPECT_EQ(runtime::block_on(found_at_start(url("/users?keep=" + file))), "2 at once");
  consul_->kill();
  EXPECT_EQ(runtime::block_on(found_at_start(url("/users?keep=" + file))), "2 at once");
  EXPECT_EQ(runtime::block_on(found_at_start(url("/users"))), "UNAVAILABLE no_endpoints") << "nothing is known without a file";
  ::unlink(file.c_str());
}

}  // namespace
}  // namespace yun::discovery
