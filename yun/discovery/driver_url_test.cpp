#include "yun/discovery/driver_url.hpp"

#include <gtest/gtest.h>

#include "yun/discovery/open.hpp"
#include "yun/discovery/servers.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::discovery {
namespace {

using namespace std::chrono_literals;

TEST(DriverUrl, HasServersAccountPathAndParameters) {
  const auto url = parse_driver_url("etcd://ada:a%3Ab%40@h1,h2:7,[::1]:8,[::2]/a%20b/c/?tag=x%26y&tag=z", 2379);
  ASSERT_TRUE(url) << url.error().to_string();
  EXPECT_EQ(url->scheme, "etcd");
  EXPECT_EQ(url->user, "ada");
  EXPECT_EQ(url->password, "a:b@");
  EXPECT_EQ(url->hosts, (std::vector<std::string>{"h1:2379", "h2:7", "[::1]:8", "[::2]:2379"}));
  EXPECT_EQ(url->path, "a b/c");
  ASSERT_EQ(url->parameters.size(), 2u);
  EXPECT_EQ(url->parameters[0].value, "x&y");
  EXPECT_EQ(url->parameters[1].value, "z");
}

TEST(DriverUrl, WhatIsShownHasNoPassword) {
  EXPECT_EQ(parse_driver_url("etcd://ada:secret@h:1/users?keep=f", 1)->bare, "etcd://h:1/users");
  for (const char* scheme : {"etcd", "nacos"}) {
    const std::string url = std::string(scheme) + "://ada:secret@h/users?nonsense=1";
    const auto wrong = open(url);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().to_string().find("secret"), std::string::npos) << wrong.error().to_string();
    EXPECT_NE(wrong.error().message().find("unknown parameter \"nonsense\", known: "), std::string_view::npos) << wrong.error().to_string();
  }
}

TEST(DriverUrl, NonsenseIsRefused) {
  for (const char* url : {"etcd", "etcd://", "etcd:///users", "etcd://h1,,h2", "etcd://h1,/users", "etcd://u:%zz@h", "etcd://h/%zz", "etcd://h?a=%z"}) EXPECT_FALSE(parse_driver_url(url, 1)) << url;
  for (const char* url : {"etcd://h/users?ttl=1s", "etcd://h/users?guard=soon", "etcd://h/users?tls=yes", "etcd://h/users?ca=f", "etcds://h/users?cert=f", "nacos://h/users?beat=1ms", "nacos://h/users?group=",
                          "nacos://h/users?ca=f", "etcd://h", "nacos://h"})
    EXPECT_FALSE(open(url)) << url;
  for (const char* url : {"etcd://h/users?ttl=2s", "etcds://h/users?cert=f&key=g", "etcd://h/users?tls=true&ca=f", "nacos://h/users?tls=true&ca=f&namespace=public"}) EXPECT_TRUE(open(url)) << url;
}

TEST(Open, ASourceNeedsAPlaceThatKeepsTexts) {
  EXPECT_TRUE(open_source("etcd://h/config"));
  EXPECT_TRUE(open_source("nacos://h/config"));
  EXPECT_TRUE(open_source("consul://h/config"));
  EXPECT_EQ(open_source("static://127.0.0.1:1").error().code(), Code::InvalidArgument);
  EXPECT_EQ(open_source("kubernetes://config").error().code(), Code::Unimplemented);
}

TEST(Servers, AreAllAddressesOfAllHosts) {
  const auto addresses = [](std::vector<std::string> hosts) {
    return runtime::block_on([](std::vector<std::string> given) -> Task<std::string> {
      Context ctx;
      auto servers = open_servers(given, true);
      if (!servers) co_return servers.error().to_string();
      auto set = co_await (*servers)->resolve(ctx);
      if (!set) co_return set.error().to_string();
      std::string text;
      for (const auto& each : set->endpoints) text += each.address.to_string() + "=" + each.authority + " ";
      co_return text;
    }(std::move(hosts)));
  };
  EXPECT_EQ(addresses({"127.0.0.1:1", "localhost:2", "127.0.0.1:1"}), "127.0.0.1:1=127.0.0.1:1 127.0.0.1:2=localhost:2 ");
  EXPECT_NE(addresses({"a b:1"}).find("INVALID_ARGUMENT"), std::string::npos);
}

}  // namespace
}  // namespace yun::discovery
