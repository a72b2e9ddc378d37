// dns:// against a name server of our own: its answers, its absence, its time to live.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "yun/balance/dns.hpp"
#include "yun/balance/dns_resolver.hpp"
#include "yun/discovery/conformance.hpp"
#include "yun/discovery/open.hpp"
#include "yun/runtime/loop.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::discovery;

namespace {

/// Answers A queries with `addresses` and SRV queries with port 7002 at "target.test", over UDP, on the test's own loop.
class NameServer {
 public:
  NameServer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const auto any = *runtime::Address::parse("127.0.0.1:0");
    EXPECT_EQ(::bind(fd_.get(), static_cast<const sockaddr*>(any.data()), static_cast<socklen_t>(any.size())), 0);
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &size);
    address_ = runtime::Address::from_sockaddr(&storage, size);
    watch_ = std::make_unique<runtime::Watch>(fd_.get());
    scope_.spawn(serve());
  }
  Task<void> stop() {
    stop_.cancel();
    co_await scope_.join();
  }
  std::string address() const { return address_.to_string(); }

  std::vector<std::string> addresses;
  int ttl = 1;
  bool silent = false;
  int queries = 0;

 private:
  Task<void> serve() {
    for (;;) {
      auto ready = co_await watch_->ready(stop_, runtime::Interest::Read);
      if (!ready) co_return;
      char in[512];
      sockaddr_storage from{};
      socklen_t from_size = sizeof from;
      const auto size = ::recvfrom(fd_.get(), in, sizeof in, 0, reinterpret_cast<sockaddr*>(&from), &from_size);
      if (size < 0) {
        watch_->block(runtime::Interest::Read);
        continue;
      }
      ++queries;
      if (silent) continue;
      const std::string out = answer(std::string(in, static_cast<std::size_t>(size)));
      (void)!::sendto(fd_.get(), out.data(), out.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
    }
  }

  std::string answer(const std::string& query) const {
    const auto u16 = [](int value) { return std::string{static_cast<char>(value >> 8), static_cast<char>(value)}; };
    std::size_t end = 12;
    while (end < query.size() && query[end] != 0) end += static_cast<std::size_t>(query[end]) + 1;
    const std::string question = query.substr(12, end + 5 - 12);
    const int type = static_cast<unsigned char>(question[question.size() - 3]);
    std::string records;
    int count = 0;
    const auto record = [&](int record_type, const std::string& data) {
      records += u16(0xC00C) + u16(record_type) + u16(1) + u16(0) + u16(ttl) + u16(static_cast<int>(data.size())) + data;
      ++count;
    };
    const bool known = question.find("unknown") == std::string::npos;
    if (type == 1 && known) {
      for (const auto& address : addresses) {
        in_addr bytes{};
        ::inet_pton(AF_INET, address.c_str(), &bytes);
        record(1, std::string(reinterpret_cast<const char*>(&bytes), 4));
      }
    } else if (type == 33) {
      record(33, u16(10) + u16(5) + u16(7002) + std::string("\6target\4test", 12) + '\0');
      record(33, u16(20) + u16(5) + u16(9999) + std::string("\6backup\4test", 12) + '\0');
    }
    return query.substr(0, 2) + u16(known ? 0x8180 : 0x8183) + u16(1) + u16(count) + u16(0) + u16(0) + question + records;
  }

  runtime::Fd fd_;
  runtime::Address address_;
  std::unique_ptr<runtime::Watch> watch_;
  Cancel stop_;
  runtime::Scope scope_;
};

std::vector<std::string> hosts(const std::vector<std::string>& addresses) {
  std::vector<std::string> all;
  for (const auto& address : addresses) all.push_back(address.substr(0, address.rfind(':')));
  return all;
}

Task<std::vector<std::string>> conformance() {
  NameServer server;
  Context ctx;
  ResolverUnderTest given;
  given.make = [&] { return discovery::open("dns://users.test:7001?server=" + server.address()); };
  given.publish = [&](std::vector<std::string> addresses) { server.addresses = hosts(addresses); };
  given.take_away = [&](bool away) { server.silent = away; };
  auto faults = co_await check_resolver(ctx, std::move(given));
  co_await server.stop();
  co_return faults;
}

Task<std::vector<std::string>> static_conformance() {
  Context ctx;
  balance::StaticResolver* source = nullptr;
  std::vector<balance::Endpoint> now;
  ResolverUnderTest given;
  given.make = [&]() -> Result<std::unique_ptr<balance::Resolver>> {
    auto made = std::make_unique<balance::StaticResolver>(now);
    source = made.get();
    return std::unique_ptr<balance::Resolver>(std::move(made));
  };
  given.publish = [&](std::vector<std::string> addresses) {
    now.clear();
    for (const auto& address : addresses) now.push_back({*runtime::Address::parse(address), address, 1, {}});
    if (source) source->set(now);
  };
  co_return co_await check_resolver(ctx, std::move(given));
}

struct Looked {
  std::string text;
  int queries = 0;
};

Task<Looked> look(std::string url, bool silent = false) {
  NameServer server;
  server.addresses = {"10.1.2.3", "10.1.2.4"};
  server.silent = silent;
  Context root;
  Context ctx(root, 300ms);
  const std::string full = url + "?server=" + server.address();
  auto resolver = discovery::open(full);
  auto set = co_await (*resolver)->resolve(ctx);
  Looked looked;
  if (set) {
    for (const auto& endpoint : set->endpoints) looked.text += endpoint.authority + "=" + endpoint.address.to_string() + " ";
  } else {
    looked.text = std::string(name(set.error().code())) + " " + set.error().reason();
  }
  looked.queries = server.queries;
  co_await server.stop();
  co_return looked;
}

}  // namespace

TEST(DnsDriver, Conforms) {
  for (const auto& fault : runtime::block_on(conformance())) ADD_FAILURE() << fault;
}

TEST(StaticDriver, Conforms) {
  for (const auto& fault : runtime::block_on(static_conformance())) ADD_FAILURE() << fault;
}

TEST(DnsDriver, GivesEveryAddressWithThePortOfTheUrl) {
  EXPECT_EQ(runtime::block_on(look("dns://users.test:80")).text, "users.test:80=10.1.2.3:80 users.test:80=10.1.2.4:80 ");
}

TEST(DnsDriver, ServiceRecordsGivePortAndTheBestPriorityOnly) {
  EXPECT_EQ(runtime::block_on(look("dns://_grpc._tcp.users.test")).text, "target.test:7002=10.1.2.3:7002 target.test:7002=10.1.2.4:7002 ");
}

TEST(DnsDriver, AnUnknownNameHasNoEndpoints) {
  EXPECT_EQ(runtime::block_on(look("dns://unknown.test:80")).text, "UNAVAILABLE no_endpoints");
}

TEST(DnsDriver, ASilentNameServerIsBoundedByTheDeadline) {
  const auto looked = runtime::block_on(look("dns://users.test:80", true));
  EXPECT_TRUE(looked.text.starts_with("DEADLINE_EXCEEDED")) << looked.text;
  EXPECT_GT(looked.queries, 0);
}

TEST(Open, DriversThatAreNotInTheBuildSaySo) {
  auto resolver = discovery::open("kubernetes://users");
  ASSERT_FALSE(resolver);
  EXPECT_EQ(resolver.error().code(), Code::Unimplemented);
  EXPECT_NE(resolver.error().message().find("driver is not in this build"), std::string::npos);
  EXPECT_FALSE(open_registry("kubernetes://users"));
}

TEST(Open, AnUnknownSchemeNamesTheNearest) {
  auto resolver = discovery::open("statik://1.2.3.4:5");
  ASSERT_FALSE(resolver);
  EXPECT_EQ(resolver.error().code(), Code::InvalidArgument);
  EXPECT_NE(resolver.error().message().find("did you mean 'static'?"), std::string::npos);
  EXPECT_FALSE(discovery::open("users"));
}

TEST(Registry, TheStaticOneChecksItsInstance) {
  const auto code = [](Instance instance) {
    return runtime::block_on([](Instance given) -> Task<Code> {
      Context ctx;
      auto registry = open_registry("static://");
      auto done = co_await (*registry)->register_self(ctx, std::move(given));
      co_return done ? Code::Ok : done.error().code();
    }(std::move(instance)));
  };
  EXPECT_EQ(code({.service = "users", .id = "1", .address = *runtime::Address::parse("127.0.0.1:1")}), Code::Ok);
  EXPECT_EQ(code({.service = "users", .id = "1", .address = {}}), Code::InvalidArgument);
  EXPECT_EQ(code({.service = "", .id = "1", .address = *runtime::Address::parse("127.0.0.1:1")}), Code::InvalidArgument);
}
