// The etcd driver on a real etcd: the conformance suite, also through bad networks, and what happens when etcd is away, has forgotten, or asks who is there.
#include "yun/discovery/etcd/etcd.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "yun/base/strings.hpp"
#include "yun/discovery/etcd/client.hpp"
#include "yun/discovery/live_for_tests.hpp"
#include "yun/json/value.hpp"

using namespace std::chrono_literals;

namespace yun::discovery {
namespace {

using testing::ChaosProxy;
using testing::Mode;

/// A call of etcd's JSON gateway, which is not our client; its answer, null for a refusal.
json::Value gateway(const runtime::Address& etcd, const std::string& path, const std::string& body) {
  const PlainAnswer answer = ask(etcd, "POST", "/v3/" + path, body);
  if (answer.status != 200) return {};
  // Its answers may be chunked: one chunk.
  const auto open = answer.body.find('{');
  const auto close = answer.body.rfind('}');
  auto document = json::parse(answer.body.substr(open, close - open + 1));
  return document ? std::move(*document) : json::Value();
}

void put(const runtime::Address& etcd, const std::string& key, const std::string& value) {
  EXPECT_TRUE(gateway(etcd, "kv/put", R"({"key":")" + to_base64(key) + R"(","value":")" + to_base64(value) + "\"}").as_object()) << key;
}
void erase(const runtime::Address& etcd, const std::string& key) {
  EXPECT_TRUE(gateway(etcd, "kv/deleterange", R"({"key":")" + to_base64(key) + "\"}").as_object()) << key;
}

Result<testing::Peer> start_etcd(std::vector<std::string> arguments = {}) {
  auto etcd = testing::Peer::start("etcd", std::move(arguments));
  if (etcd && !eventually([&] { return ask(etcd->address(), "GET", "/health").body.find("true") != std::string::npos; })) return unavailable("etcd has no leader");
  return etcd;
}

/// One server for all tests that leave it alone.
testing::Peer& shared_etcd() {
  static Result<testing::Peer> etcd = start_etcd();
  if (!etcd) ADD_FAILURE() << etcd.error().to_string();
  return *etcd;
}

/// Makes a service's instances these, without our client.
class Publisher {
 public:
  Publisher(runtime::Address etcd, std::string service) : etcd_(etcd), prefix_("services/" + service + "/") {}
  /// In one transaction, so that nobody sees a part of it.
  void publish(const std::vector<std::string>& addresses) {
    const std::set<std::string> wanted(addresses.begin(), addresses.end());
    std::string steps;
    const auto add = [&](const std::string& step) { steps += (steps.empty() ? "" : ",") + step; };
    for (const std::string& each : published_) {
      if (!wanted.contains(each)) add(R"({"requestDeleteRange":{"key":")" + to_base64(prefix_ + each) + "\"}}");
    }
    for (const std::string& each : wanted) {
      const std::string value = R"({"address":")" + each + "\"}";
      if (!published_.contains(each)) add(R"({"requestPut":{"key":")" + to_base64(prefix_ + each) + R"(","value":")" + to_base64(value) + "\"}}");
    }
    EXPECT_TRUE(gateway(etcd_, "kv/txn", R"({"success":[)" + steps + "]}").as_object()) << steps;
    published_ = wanted;
  }

 private:
  runtime::Address etcd_;
  std::string prefix_;
  std::set<std::string> published_;
};

std::string url_of(const runtime::Address& address, std::string_view rest = "") { return "etcd://" + address.to_string() + std::string(rest); }

void expect_conforms(ResolverUnderTest given) {
  for (const auto& fault : runtime::block_on(conforms(std::move(given)))) ADD_FAILURE() << fault;
}

TEST(Etcd, Conforms) {
  auto etcd = start_etcd();
  ASSERT_TRUE(etcd) << etcd.error().to_string();
  Publisher users(etcd->address(), "users");
  expect_conforms({.make = [&] { return open(url_of(etcd->address(), "/users")); },
                   .publish = [&](std::vector<std::string> list) { users.publish(list); },
                   .take_away = [&](bool away) { away ? etcd->freeze() : etcd->resume(); },
                   .patience = 40s});
}

TEST(Etcd, ConformsThroughASlowNetworkThatBreaksAndThroughOneThatStalls) {
  const auto etcd = shared_etcd().address();
  ChaosProxy proxy(etcd);
  const auto through = [&](std::string service, testing::Chaos chaos, std::function<void(bool)> take_away) {
    proxy.set(chaos);
    Publisher publisher(etcd, service);
    expect_conforms({.make = [&] { return open(url_of(proxy.address(), "/" + service)); },
                     .publish = [&](std::vector<std::string> list) { publisher.publish(list); },
                     .take_away = std::move(take_away),
                     .patience = 40s});
  };
  through("slow", {.delay = 20ms}, [&](bool away) {
    proxy.set({.mode = away ? Mode::Refuse : Mode::Pass, .delay = 20ms});
    if (away) proxy.cut();
  });
  through("stalled", {}, [&](bool away) { proxy.set({.mode = away ? Mode::Blackhole : Mode::Pass}); });
  through("bytewise", {.mode = Mode::OneByte}, [&](bool away) { proxy.set({.mode = away ? Mode::Blackhole : Mode::OneByte}); });
}

TEST(Etcd, AProgramIsFoundWithItsLabelsUntilItDeregisters) {
  const auto etcd = shared_etcd().address();
  const std::string gone = "127.0.0.1:7001*3 orders version=2, then nothing";
  EXPECT_EQ(registered_and_gone(url_of(etcd), url_of(etcd, "/orders?guard=0s")), gone);
  EXPECT_EQ(registered_and_gone(url_of(etcd, "/shop/eu?tag=a&tag=b"), url_of(etcd, "/shop/eu/orders?guard=0s&tag=b")), gone);
}

Task<Result<void>> tagged(Life& life, std::string at) {
  YUN_CHECK(co_await begin(life, at + "/tagged?tag=v2", at + "/tagged/orders?tag=v2"));
  YUN_TRY(other, open(at + "/tagged/orders?tag=v3"));
  YUN_TRY(none, co_await other->resolve(life.ctx));
  EXPECT_EQ(told(none), "nothing");
  co_return Result<void>();
}

TEST(Etcd, ATagThatIsAskedForMustBeThere) {
  expect_ok(runtime::block_on(live([&](Life& life) { return tagged(life, url_of(shared_etcd().address())); })));
}

Task<Result<void>> replaced(Life& life, std::string at) {
  YUN_CHECK(co_await begin(life, at + "/again", at + "/again/orders?guard=0s"));
  Instance heavier{.service = "orders", .id = "orders-1", .address = *runtime::Address::parse("127.0.0.1:7001"), .weight = 9};
  YUN_CHECK(co_await life.registry->register_self(life.ctx, std::move(heavier)));
  while (told(life.set) != "127.0.0.1:7001*9 orders") {
    YUN_TRY(set, co_await life.resolver->next(life.ctx, life.set.revision));
    life.set = std::move(set);
    if (life.set.endpoints.empty()) co_return internal_error("it was gone in between");
  }
  Instance moved{.service = "orders", .id = "orders-2", .address = *runtime::Address::parse("127.0.0.1:7002")};
  YUN_CHECK(co_await life.registry->register_self(life.ctx, std::move(moved)));
  while (told(life.set) != "127.0.0.1:7002*1 orders") {
    YUN_TRY(set, co_await life.resolver->next(life.ctx, life.set.revision));
    life.set = std::move(set);
  }
  co_return Result<void>();
}

TEST(Etcd, RegisteringAgainReplacesWithoutAGap) {
  expect_ok(runtime::block_on(live([&](Life& life) { return replaced(life, url_of(shared_etcd().address())); })));
}

TEST(Etcd, AnEmptySetIsNotBelievedAtOnce) {
  const auto etcd = shared_etcd().address();
  expect_ok(runtime::block_on(live([&](Life& life) { return guarded(life, url_of(etcd, "/guard"), url_of(etcd, "/guard/orders?guard=2s")); })));
}

TEST(Etcd, AServerThatRestartsIsTakenUpAgain) {
  auto etcd = start_etcd();
  ASSERT_TRUE(etcd) << etcd.error().to_string();
  expect_ok(runtime::block_on(live([&](Life& life) { return restarted(life, *etcd, url_of(etcd->address(), "?ttl=3s"), url_of(etcd->address(), "/orders")); })));
}

/// Takes the lease away from under the program's key: it is there again, under another, and who looks for it sees both.
Task<Result<void>> lease_lost(Life& life, runtime::Address etcd) {
  YUN_CHECK(co_await begin(life, url_of(etcd, "/lost?ttl=3s"), url_of(etcd, "/lost/orders?guard=0s")));
  const std::string range = R"({"key":")" + to_base64("lost/orders/orders-1") + "\"}";
  const json::Value before = gateway(etcd, "kv/range", range);
  const std::string* lease = before["kvs"][0]["lease"].as_string();
  if (!lease) co_return internal_error("the key has no lease");
  if (!gateway(etcd, "lease/revoke", R"({"ID":")" + *lease + "\"}").as_object()) co_return internal_error("not revoked");
  YUN_CHECK(co_await until_size(life, 0));
  YUN_CHECK(co_await until_size(life, 1));
  const json::Value after = gateway(etcd, "kv/range", range);
  const std::string* next = after["kvs"][0]["lease"].as_string();
  EXPECT_TRUE(next && *next != *lease) << "the key has no new lease";
  co_return Result<void>();
}

TEST(Etcd, ALostLeaseIsGrantedAnewAndTheKeyPutAgain) {
  expect_ok(runtime::block_on(live([&](Life& life) { return lease_lost(life, shared_etcd().address()); })));
}

/// A program that goes without a word: nobody renews its lease.
Task<Result<void>> silent(Life& life, runtime::Address etcd, ChaosProxy& proxy) {
  YUN_CHECK(co_await begin(life, url_of(proxy.address(), "/silent?ttl=3s"), url_of(etcd, "/silent/orders?guard=0s")));
  proxy.set({.mode = Mode::Blackhole});
  YUN_CHECK(co_await until_size(life, 0));
  proxy.set({});
  proxy.cut();
  co_return co_await until_size(life, 1);
}

TEST(Etcd, AnInstanceThatIsCutOffIsGoneAfterItsTimeToLiveAndComesBack) {
  ChaosProxy proxy(shared_etcd().address());
  expect_ok(runtime::block_on(live([&](Life& life) { return silent(life, shared_etcd().address(), proxy); })));
}

/// Flipped bytes break HTTP/2 sooner or later; what is known in the end is what is there.
Task<Result<void>> corrupted(Life& life, runtime::Address etcd, ChaosProxy& proxy) {
  YUN_CHECK(co_await begin(life, url_of(etcd, "/corrupt"), url_of(proxy.address(), "/corrupt/orders?guard=0s")));
  proxy.set({.mode = Mode::Corrupt, .every = 61});
  for (int i = 0; i < 5; ++i) {
    put(etcd, "corrupt/orders/other", R"({"address":"127.0.0.9:)" + std::to_string(i + 1) + "\"}");
    proxy.cut();  // so that a range is read through it, and a watch begun
    YUN_CHECK(co_await runtime::sleep_for(life.ctx, 200ms));
  }
  proxy.set({});
  proxy.cut();
  while (told(life.set) != "127.0.0.1:7001*3 orders version=2 127.0.0.9:5*1 orders") {
    YUN_TRY(set, co_await life.resolver->next(life.ctx, life.set.revision));
    life.set = std::move(set);
  }
  co_return Result<void>();
}

TEST(Etcd, CorruptBytesDoNotOutlastTheirConnection) {
  ChaosProxy proxy(shared_etcd().address());
  expect_ok(runtime::block_on(live([&](Life& life) { return corrupted(life, shared_etcd().address(), proxy); })));
}

/// Two ways to the cluster, of which one goes at a time.
Task<Result<void>> failed_over(Life& life, runtime::Address etcd, ChaosProxy& first, ChaosProxy& second) {
  const std::string both = "etcd://" + first.address().to_string() + "," + second.address().to_string();
  YUN_CHECK(co_await begin(life, both + "/both?ttl=3s", both + "/both/orders?guard=0s"));
  for (ChaosProxy* away : {&first, &second}) {
    away->set({.mode = Mode::Refuse});
    away->cut();
    const TimePoint begun = Clock::now();
    put(etcd, "both/orders/other", R"({"address":"127.0.0.9:1"})");
    YUN_CHECK(co_await until_size(life, 2));
    erase(etcd, "both/orders/other");
    YUN_CHECK(co_await until_size(life, 1));
    EXPECT_LT(Clock::now() - begun, 5s) << "a change is seen in time";
    YUN_CHECK(co_await runtime::sleep_for(life.ctx, 4s));  // past the lease's time, were it not renewed
    YUN_TRY(still, co_await life.resolver->resolve(life.ctx));
    EXPECT_EQ(told(still), "127.0.0.1:7001*3 orders version=2") << "the instance is kept alive";
    away->set({});
  }
  co_return Result<void>();
}

TEST(Etcd, AnotherServerIsAskedWhenOneIsAway) {
  ChaosProxy first(shared_etcd().address());
  ChaosProxy second(shared_etcd().address());
  expect_ok(runtime::block_on(live([&](Life& life) { return failed_over(life, shared_etcd().address(), first, second); })));
}

Task<std::string> watched_from(EtcdTarget target, std::int64_t revision) {
  Context root;
  Context ctx(root, 20s);
  EtcdClient client(target);
  EtcdKeys keys{.key = "old/", .prefix = true};
  auto watch = co_await client.watch(ctx, std::move(keys), revision);
  if (!watch) co_return std::string(watch.error().reason());
  auto changes = co_await (*watch)->next(ctx);
  co_return changes ? std::to_string(changes->size()) + " changes" : std::string(changes.error().reason());
}

TEST(Etcd, AWatchFromACompactedRevisionSaysSo) {
  const auto etcd = shared_etcd().address();
  const auto target = *parse_etcd_url(url_of(etcd));
  put(etcd, "old/key", "one");
  const json::Value found = gateway(etcd, "kv/range", R"({"key":")" + to_base64("old/key") + "\"}");
  const std::string* text = found["kvs"][0]["mod_revision"].as_string();
  ASSERT_TRUE(text);
  const auto revision = parse_i64(*text);
  ASSERT_TRUE(revision);
  EXPECT_EQ(runtime::block_on(watched_from(target, *revision)), "1 changes");
  put(etcd, "old/key", "two");
  ASSERT_TRUE(gateway(etcd, "kv/compaction", R"({"revision":")" + std::to_string(*revision + 1) + R"(","physical":true})").as_object());
  EXPECT_EQ(runtime::block_on(watched_from(target, *revision)), "registry_compacted");
}

TEST(Etcd, AKeyIsASourceThatTellsEachChange) {
  const auto etcd = shared_etcd().address();
  const auto set = [&](std::string text) {
    put(etcd, "config/app.yaml.other", text);
    put(etcd, "config/app.yaml", text);
  };
  EXPECT_EQ(runtime::block_on(texts(url_of(etcd, "/config/app.yaml"), set)), (std::vector<std::string>{"NOT_FOUND", "one", "two", "three"}));
}

TEST(Etcd, AStartWithoutTheRegistryUsesWhatWasKeptOnDisk) {
  const std::string file = ::testing::TempDir() + "yun_etcd_" + std::to_string(::getpid());
  const auto etcd = shared_etcd().address();
  ChaosProxy proxy(etcd);
  Publisher users(etcd, "kept");
  users.publish({"127.0.0.1:7001", "127.0.0.1:7002"});
  EXPECT_EQ(runtime::block_on(found_at_start(url_of(proxy.address(), "/kept?keep=" + file))), "2 at once");
  proxy.set({.mode = Mode::Refuse});
  proxy.cut();
  EXPECT_EQ(runtime::block_on(found_at_start(url_of(proxy.address(), "/kept?keep=" + file))), "2 at once");
  EXPECT_EQ(runtime::block_on(found_at_start(url_of(proxy.address(), "/kept"))), "UNAVAILABLE no_endpoints");
  ::unlink(file.c_str());
}

/// Names and passwords, and a token that is over after a second.
TEST(Etcd, SignsInAndAgainWhenItsTokenIsOver) {
  auto etcd = start_etcd({"--auth-token-ttl", "1"});
  ASSERT_TRUE(etcd) << etcd.error().to_string();
  const auto at = etcd->address();
  const auto as = [&](std::string account, std::string_view rest) { return "etcd://" + account + "@" + at.to_string() + std::string(rest); };
  EXPECT_EQ(runtime::block_on(found_at_start(as("root:secret", "/users"))), "0 at once") << "a server that asks for no password is no hindrance";
  ASSERT_TRUE(gateway(at, "auth/user/add", R"({"name":"root","password":"secret"})").as_object());
  ASSERT_TRUE(gateway(at, "auth/role/add", R"({"name":"root"})").as_object());
  ASSERT_TRUE(gateway(at, "auth/user/grant", R"({"user":"root","role":"root"})").as_object());
  ASSERT_TRUE(gateway(at, "auth/enable", "{}").as_object());

  EXPECT_NE(runtime::block_on(found_at_start(as("root:wrong", "/users"))).find("no_endpoints"), std::string::npos);
  EXPECT_NE(runtime::block_on(found_at_start(url_of(at, "/users"))).find("no_endpoints"), std::string::npos);
  // Longer than the token's second, and than the lease's three.
  EXPECT_EQ(registered_and_gone(as("root:secret", "?ttl=3s"), as("root:secret", "/orders?guard=0s"), 6s), "127.0.0.1:7001*3 orders version=2, then nothing");
}

/// An authority of our own, with a certificate for 127.0.0.1 and one for a client, in a folder that goes with it.
class Authority {
 public:
  Authority() {
    std::string pattern = (std::filesystem::temp_directory_path() / "yun-etcds-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem");
    for (const char* name : {"server", "client"}) {
      const std::string one = name;
      run("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" + one + " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " + one + ".key -out " + one + ".csr");
      run("x509 -req -in " + one + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out " + one + ".pem");
    }
  }
  ~Authority() { std::filesystem::remove_all(folder_); }
  std::string file(std::string_view name) const { return folder_ + "/" + std::string(name); }

 private:
  void run(const std::string& what) const {
    const std::string command = "cd '" + folder_ + "' && openssl " + what + " 2>/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
  std::string folder_;
};

TEST(Etcd, SpeaksTlsWithACertificateOfItsOwnToAServerThatItKnows) {
  const Authority authority;
  auto etcd = testing::Peer::start("etcd", {"--cert-file", authority.file("server.pem"), "--key-file", authority.file("server.key"), "--client-cert-auth", "--trusted-ca-file", authority.file("ca.pem")});
  ASSERT_TRUE(etcd) << etcd.error().to_string();
  const std::string at = "etcds://" + etcd->address().to_string();
  const std::string ca = "ca=" + authority.file("ca.pem");
  const std::string both = ca + "&cert=" + authority.file("client.pem") + "&key=" + authority.file("client.key");
  ASSERT_TRUE(eventually([&] { return runtime::block_on(found_at_start(at + "/orders?" + both)).find("0 ") == 0; })) << "it has a leader";
  EXPECT_EQ(registered_and_gone(at + "?" + both, at + "/orders?guard=0s&" + both), "127.0.0.1:7001*3 orders version=2, then nothing");
  EXPECT_EQ(runtime::block_on(found_at_start(at + "/orders?" + ca)), "UNAVAILABLE no_endpoints") << "without a certificate of one's own";
  EXPECT_NE(runtime::block_on(found_at_start(at + "/orders")).find("no_endpoints"), std::string::npos) << "nobody known has signed the server's";
  EXPECT_NE(runtime::block_on(found_at_start("etcd://" + etcd->address().to_string() + "/orders")).find("no_endpoints"), std::string::npos) << "without TLS";
}

}  // namespace
}  // namespace yun::discovery
