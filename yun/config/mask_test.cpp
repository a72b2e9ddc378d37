#include "yun/config/mask.hpp"

#include <gtest/gtest.h>

using namespace yun;
using config::masked;
using config::masked_url;

TEST(Mask, WhatIsCalledASecretIsMaskedWhole) {
  EXPECT_EQ(masked("redis.password", "hunter2"), "***");
  EXPECT_EQ(masked("API_KEY", "hunter2"), "***");
  EXPECT_EQ(masked("otlp.headers", "authorization=Bearer x"), "***");
  EXPECT_EQ(masked("redis.password", ""), "");
}

TEST(Mask, NamesOfFilesStay) {
  EXPECT_EQ(masked("tls.key", "/etc/tls/key.pem"), "/etc/tls/key.pem");
  EXPECT_EQ(masked("password_file", "/run/secrets/db"), "/run/secrets/db");
}

TEST(Mask, AUrlLosesItsPasswordAndNothingElse) {
  EXPECT_EQ(masked_url("mysql://shop:pw@db:3306/shop?tls=true"), "mysql://shop:***@db:3306/shop?tls=true");
  EXPECT_EQ(masked_url("redis://db:6379/0"), "redis://db:6379/0");
  EXPECT_EQ(masked_url("redis://shop@db:6379/0"), "redis://shop@db:6379/0");
}

TEST(Mask, APasswordWithTheSignsOfAUrlIsMaskedToItsEnd) { EXPECT_EQ(masked_url("mysql://shop:p:w@x@db/shop"), "mysql://shop:***@db/shop"); }

TEST(Mask, EachOfSeveralUrlsIsMasked) {
  EXPECT_EQ(masked("sinks", "loki://a:one@x:1/,loki://b:two@y:2/"), "loki://a:***@x:1/,loki://b:***@y:2/");
}

TEST(Mask, AQueryParameterThatIsASecretIsMasked) {
  EXPECT_EQ(masked_url("consul://host:8500/users?token=abc&dc=one"), "consul://host:8500/users?token=***&dc=one");
  EXPECT_EQ(masked_url("consul://host:8500/users?dc=one&token=abc"), "consul://host:8500/users?dc=one&token=***");
}
