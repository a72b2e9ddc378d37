#include "yun/cache/redis/driver.hpp"

#include <gtest/gtest.h>

#include "yun/cache/conformance.hpp"
#include "yun/cache/redis/live_for_tests.hpp"

namespace yun::cache::conformance {
namespace {

using redis::flush;
using redis::shared_redis;

std::string url(const runtime::Address& address) { return "redis://" + address.to_string() + "/0?prefix=test:&timeout=5s"; }

Result<Cache> open_redis() {
  flush(shared_redis().address());
  return open(url(shared_redis().address()));
}
Result<Cache> open_version2() {
  static auto peer = yun::testing::Peer::start("redis", {"--rename-command", "HELLO", ""});
  if (!peer) return peer.error();
  flush(peer->address());
  return open(url(peer->address()));
}
Result<Cache> open_one_byte_at_a_time() {
  static yun::testing::ChaosProxy proxy(shared_redis().address());
  proxy.set({.mode = yun::testing::Mode::OneByte});
  flush(shared_redis().address());
  return open(url(proxy.address()));
}

INSTANTIATE_TEST_SUITE_P(Redis, Conformance, ::testing::Values(&open_redis));
INSTANTIATE_TEST_SUITE_P(RedisVersion2, Conformance, ::testing::Values(&open_version2));
INSTANTIATE_TEST_SUITE_P(RedisOneByteAtATime, Conformance, ::testing::Values(&open_one_byte_at_a_time));

}  // namespace
}  // namespace yun::cache::conformance
