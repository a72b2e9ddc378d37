#include "yun/cache/redis/options.hpp"

#include <gtest/gtest.h>

namespace yun::cache::redis {
namespace {

using namespace std::chrono_literals;

TEST(RedisUrl, SaysWhereAndHow) {
  auto all = parse_url("redis://yun:p%40ss%2Fw%23rd@cache.internal:6380/3?connections=2&timeout=1s&connect_timeout=2s&prefix=shop%3A&memory=1MiB");
  ASSERT_TRUE(all) << all.error().to_string();
  EXPECT_EQ(all->user, "yun");
  EXPECT_EQ(all->password, "p@ss/w#rd");
  EXPECT_EQ(all->where(), "cache.internal:6380");
  EXPECT_EQ(all->database, 3U);
  EXPECT_EQ(all->connections, 2U);
  EXPECT_EQ(all->timeout, 1s);
  EXPECT_EQ(all->stall, 1s) << "a command may take as long as its timeout before its connection is doubted";
  EXPECT_EQ(all->silence, 2s);
  EXPECT_EQ(all->prefix, "shop:");
  EXPECT_EQ(all->memory.bytes, 1_MiB);
  EXPECT_EQ(all->tls, nullptr);
}

TEST(RedisUrl, WhatItLeavesOutHasADefault) {
  auto least = parse_url("redis://localhost");
  ASSERT_TRUE(least);
  EXPECT_EQ(least->where(), "localhost:6379");
  EXPECT_EQ(least->database, 0U);
  EXPECT_EQ(least->password, "");
  EXPECT_EQ(parse_url("redis://:secret@[::1]:7000/")->where(), "[::1]:7000");
  EXPECT_EQ(parse_url("redis://:secret@[::1]:7000/")->password, "secret");
  EXPECT_NE(parse_url("rediss://cache")->tls, nullptr);
}

TEST(RedisUrl, NamesWhatIsWrong) {
  const auto said = [](std::string_view url) {
    auto parsed = parse_url(url);
    return parsed ? "ok" : parsed.error().message();
  };
  EXPECT_EQ(said("http://x"), "redis url: it begins with neither redis:// nor rediss://");
  EXPECT_EQ(said("redis://"), "redis url: no host; write redis://host:6379/0");
  EXPECT_EQ(said("redis://host:0"), "redis url: \"0\" is not a port");
  EXPECT_EQ(said("redis://host:99999"), "redis url: \"99999\" is not a port");
  EXPECT_EQ(said("redis://ho st"), "redis url: \"ho st\" is not a host");
  EXPECT_EQ(said("redis://host/one"), "redis url: \"one\" is not a database's number");
  EXPECT_EQ(said("redis://bob@host"), "redis url: user \"bob\" without a password; write user:password@host, or :password@host for the default user");
  EXPECT_EQ(said("redis://host?timeout=0"), "redis url: timeout=0 is not a duration above zero; write timeout=100ms");
  EXPECT_EQ(said("redis://host?timeout=fast"), "redis url: timeout=fast is not a duration above zero; write timeout=100ms");
  EXPECT_EQ(said("redis://host?connections=0"), "redis url: connections=0 is not between 1 and 64");
  EXPECT_EQ(said("redis://host?memory=1KiB"), "redis url: memory=1KiB is not a size of at least 64KiB");
  EXPECT_EQ(said("redis://host?ca=x"), "redis url: ca is for rediss:// only");
  EXPECT_EQ(said("rediss://host?ca=/no/such.pem").substr(0, 35), "redis url: CA file '/no/such.pem': ");
  EXPECT_EQ(said("redis://host?timeuot=1s"), "redis url: there is no parameter \"timeuot\"; did you mean \"timeout\"?");
  EXPECT_EQ(said("redis://host?what=1"), "redis url: there is no parameter \"what\"; known: connections, timeout, connect_timeout, prefix, memory, ca");
}

TEST(RedisUrl, NeverPrintsThePassword) {
  for (const char* url : {"redis://u:hunter2@host:bad", "redis://u:hunter2@", "redis://u:hunter2@ho st", "redis://u:hunter2%zz@host", "redis://u:hunter2#@host", "redis://u:hunter2/@host/x",
                          "redis://u:hunter2@host?bad=1", "redis:/u:hunter2@host", "redis://u:hunter2@x@host:1:2/z"}) {
    auto parsed = parse_url(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().message().find("hunter2"), std::string::npos) << parsed.error().message();
  }
}

}  // namespace
}  // namespace yun::cache::redis
