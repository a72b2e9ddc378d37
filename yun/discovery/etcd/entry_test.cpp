#include "yun/discovery/etcd/entry.hpp"

#include <gtest/gtest.h>

namespace yun::discovery {
namespace {

TEST(EtcdEntry, AServiceIsFoundWhereItIsRegistered) {
  const Instance instance{.service = "users", .id = "users-1", .address = {}};
  EXPECT_EQ(etcd_prefix_of("users"), "services/users/");
  EXPECT_EQ(etcd_key_of("", instance), "services/users/users-1");
  EXPECT_EQ(etcd_prefix_of("shop/eu/users"), "shop/eu/users/");
  EXPECT_EQ(etcd_key_of("shop/eu", instance), "shop/eu/users/users-1");
}

TEST(EtcdEntry, WhatIsWrittenIsRead) {
  const Instance instance{.service = "users", .id = "1", .address = *runtime::Address::parse("[::1]:80"), .weight = 3, .labels = {{"zone", "a\"b"}}};
  const std::string value = etcd_value_of(instance, {"v2", "canary"});
  EXPECT_EQ(value, R"({"address":"[::1]:80","weight":3,"meta":{"zone":"a\"b"},"tags":["v2","canary"]})");
  const auto endpoint = etcd_endpoint_of(value, "users", {"canary", "v2"});
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->address, instance.address);
  EXPECT_EQ(endpoint->authority, "users");
  EXPECT_EQ(endpoint->weight, 3u);
  EXPECT_EQ(endpoint->labels, instance.labels);
  EXPECT_FALSE(etcd_endpoint_of(value, "users", {"v3"}));
}

TEST(EtcdEntry, WhatOthersWroteIsTakenAsFarAsItGoes) {
  EXPECT_TRUE(etcd_endpoint_of(R"({"address":"10.0.0.1:80","since":"yesterday","weight":-1,"meta":{"n":1}})", "users", {}));
  for (const char* value : {"", "null", "10.0.0.1:80", R"({"address":"10.0.0.1"})", R"({"address":80})", R"({"address":"users:80"})", R"([{"address":"10.0.0.1:80"}])", R"({"address":"10.0.0.1:80")"})
    EXPECT_FALSE(etcd_endpoint_of(value, "users", {})) << value;
}

}  // namespace
}  // namespace yun::discovery
