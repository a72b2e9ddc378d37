// The consul driver on a real Consul: the conformance suite, and what happens when the registry is away, empty or back.
#include "yun/discovery/consul.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "yun/discovery/conformance.hpp"
#include "yun/discovery/open.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/testing/peer.hpp"

using namespace std::chrono_literals;

namespace yun::discovery {
namespace {

/// One blocking request; the status, 0 without an answer.
int ask(const runtime::Address& to, std::string_view method, std::string_view path, std::string_view body = "") {
  const runtime::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{5, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), static_cast<const sockaddr*>(to.data()), static_cast<socklen_t>(to.size())) != 0) return 0;
  const std::string request = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: consul\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  (void)!::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char bytes[4096];
  for (ssize_t count = 0; (count = ::recv(fd.get(), bytes, sizeof bytes, 0)) > 0;) answer.append(bytes, static_cast<std::size_t>(count));
  return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0;
}

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
      if (ask(consul_->address(), "PUT", "/v1/kv/ready", "yes") == 200 && ask(consul_->address(), "GET", "/v1/health/service/consul?passing=1") == 200) return;
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
      EXPECT_EQ(ask(consul_->address(), "PUT", "/v1/agent/service/register", body), 200);
    }
    published_ = wanted;
  }
  static std::string addresses(const balance::EndpointSet& set) {
    std::string text;
    for (const auto& each : set.endpoints) text += each.address.to_string() + "*" + std::to_string(each.weight) + " ";
    return text;
  }

  std::optional<testing::Peer> consul_;
  std::set<std::string> published_;
};

Task<std::vector<std::string>> conforms(ResolverUnderTest given) {
  Context root;
  Context ctx(root, 60s);
  co_return co_await check_resolver(ctx, std::move(given));
}

TEST_F(ConsulTest, Conforms) {
  const ResolverUnderTest given{.make = [this] { return open(url("/users")); },
                                .publish = [this](std::vector<std::string> list) { publish(list); },
                                .take_away = [this](bool away) { away ? consul_->freeze() : consul_->resume(); },
                                .patience = 40s};
  for (const auto& fault : runtime::block_on(conforms(given))) ADD_FAILURE() << fault;
}

/// What a program does: registers, is found with its labels, is gone after deregister().
Task<std::string> registered_and_gone(std::string at, std::string with) {
  Context root;
  Context ctx(root, 30s);
  auto registry = open_registry(at + with);
  auto resolver = open(at + "/orders?guard=0s");
  if (!registry || !resolver) co_return "not opened";
  Instance instance{.service = "orders", .id = "orders-1", .address = *runtime::Address::parse("127.0.0.1:7001"), .weight = 3, .labels = {{"version", "2"}}};
  auto done = co_await (*registry)->register_self(ctx, std::move(instance));
  if (!done) co_return done.error().to_string();
  auto set = co_await (*resolver)->resolve(ctx);
  if (!set) co_return set.error().to_string();
  if (set->endpoints.empty()) {
    auto dropped = co_await (*registry)->deregister(ctx);
    co_return dropped ? "not passing" : dropped.error().to_string();
  }
  std::string told;
  for (const auto& each : set->endpoints) told += each.address.to_string() + "*" + std::to_string(each.weight) + " v" + each.labels.at("version") + " " + each.authority + "; ";
  auto gone = co_await (*registry)->deregister(ctx);
  if (!gone) co_return gone.error().to_string();
  auto after = co_await (*resolver)->next(ctx, set->revision);
  if (!after) co_return after.error().to_string();
  co_return told + std::to_string(after->endpoints.size()) + " left";
}

TEST_F(ConsulTest, AProgramIsFoundWithItsLabelsUntilItDeregisters) {
  for (const char* check : {"?ttl=5s", "?check=http&interval=5s", "?check=grpc&interval=5s"}) {
    // Asked checks are critical until they have been asked; then nobody answers here.
    const auto told = runtime::block_on(registered_and_gone(url(), check));
    EXPECT_EQ(told, std::string_view(check).starts_with("?ttl") ? "127.0.0.1:7001*3 v2 orders; 0 left" : "not passing") << check;
  }
}

struct Life {
  Context root;
  Context ctx{root, 60s};
  std::unique_ptr<Registry> registry;
  std::unique_ptr<balance::Resolver> resolver;
  balance::EndpointSet set;
};

Task<Result<void>> begin(Life& life, std::string at) {
  YUN_TRY(registry, open_registry(at + "?ttl=3s"));
  YUN_TRY(resolver, open(at + "/orders?guard=0s"));
  life.registry = std::move(registry);
  life.resolver = std::move(resolver);
  Instance instance{.service = "orders", .id = "orders-1", .address = *runtime::Address::parse("127.0.0.1:7001")};
  YUN_CHECK(co_await life.registry->register_self(life.ctx, std::move(instance)));
  YUN_TRY(set, co_await life.resolver->resolve(life.ctx));
  life.set = std::move(set);
  co_return Result<void>();
}

/// Waits until the set is that large.
Task<Result<void>> until_size(Life& life, std::size_t size) {
  while (life.set.endpoints.size() != size) {
    YUN_TRY(set, co_await life.resolver->next(life.ctx, life.set.revision));
    life.set = std::move(set);
  }
  co_return Result<void>();
}

/// A registry that dies and comes back with nothing: what is known stays in use meanwhile, and the program registers itself again.
Task<Result<void>> restarted(testing::Peer& consul, std::string at, std::vector<std::string>& faults) {
  Life life;
  YUN_CHECK(co_await begin(life, at));
  YUN_CHECK(co_await until_size(life, 1));
  consul.kill();
  auto kept = co_await life.resolver->resolve(life.ctx);
  if (!kept || kept->endpoints.size() != 1) faults.push_back("while the registry is dead its last answer is not used");
  auto back = consul.restart();  // blocks this loop for a second: nothing else runs on it
  if (!back) co_return back;
  for (int i = 0; i < 300; ++i) {
    auto fresh = open(at + "/orders");
    auto seen = co_await (*fresh)->resolve(life.ctx);
    if (seen && seen->endpoints.size() == 1) break;
    if (i == 299) faults.push_back("the program never registered again");
    YUN_CHECK(co_await runtime::sleep_for(life.ctx, 100ms));
  }
  co_return co_await life.registry->deregister(life.ctx);
}

TEST_F(ConsulTest, ARegistryThatComesBackEmptyIsTakenUpByItself) {
  std::vector<std::string> faults;
  auto done = runtime::block_on(restarted(*consul_, url(), faults));
  EXPECT_TRUE(done) << done.error().to_string();
  for (const auto& fault : faults) ADD_FAILURE() << fault;
}

/// An instance that stops saying that it lives, as when its process dies.
Task<std::string> silent(std::string at, testing::Peer& consul) {
  Context root;
  Context ctx(root, 60s);
  auto resolver = open(at + "/quiet?guard=0s");
  const auto put = [&](std::string_view path, std::string_view body = "") { return ask(consul.address(), "PUT", path, body); };
  if (put("/v1/agent/service/register", R"({"ID":"q1","Name":"quiet","Address":"127.0.0.1","Port":7,"Check":{"TTL":"1s","Status":"passing"}})") != 200) co_return "not registered";
  auto set = co_await (*resolver)->resolve(ctx);
  if (!set || set->endpoints.size() != 1) co_return "not found while it passes";
  auto after = co_await (*resolver)->next(ctx, set->revision);
  if (!after) co_return after.error().to_string();
  co_return std::to_string(after->endpoints.size()) + " after its time to live";
}

TEST_F(ConsulTest, AnInstanceWhoseCheckTurnsCriticalIsOutOfTheSet) { EXPECT_EQ(runtime::block_on(silent(url(), *consul_)), "0 after its time to live"); }

Task<std::vector<std::string>> values(std::string at, testing::Peer& consul) {
  std::vector<std::string> told;
  Context root;
  Context ctx(root, 30s);
  auto source = open_consul_source(at + "/config/app");
  const auto next = [&]() { return (*source)->next(ctx); };
  auto missing = co_await next();
  told.push_back(missing ? *missing : std::string(name(missing.error().code())));
  for (const char* value : {"one", "two"}) {
    ask(consul.address(), "PUT", "/v1/kv/config/app", value);
    ask(consul.address(), "PUT", "/v1/kv/config/other", value);
    auto got = co_await next();
    told.push_back(got ? *got : got.error().to_string());
  }
  co_return told;
}

TEST_F(ConsulTest, AKeyIsASourceThatTellsEachChange) {
  EXPECT_EQ(runtime::block_on(values(url(), *consul_)), (std::vector<std::string>{"NOT_FOUND", "one", "two"}));
}

Task<std::string> from_disk(std::string at) {
  Context root;
  Context ctx(root, 20s);
  auto resolver = open(at);
  const TimePoint begun = Clock::now();
  auto set = co_await (*resolver)->resolve(ctx);
  if (!set) co_return set.error().to_string();
  co_return std::to_string(set->endpoints.size()) + (Clock::now() - begun < 3s ? " at once" : " late");
}

TEST_F(ConsulTest, AStartWithoutTheRegistryUsesWhatWasKeptOnDisk) {
  const std::string file = ::testing::TempDir() + "yun_consul_" + std::to_string(::getpid());
  publish({"127.0.0.1:7001", "127.0.0.1:7002"});
  EXPECT_EQ(runtime::block_on(from_disk(url("/users?keep=" + file))), "2 at once");
  consul_->kill();
  EXPECT_EQ(runtime::block_on(from_disk(url("/users?keep=" + file))), "2 at once");
  EXPECT_NE(runtime::block_on(from_disk(url("/users"))).find("UNAVAILABLE"), std::string::npos) << "nothing is known without a file";
  ::unlink(file.c_str());
}

}  // namespace
}  // namespace yun::discovery
