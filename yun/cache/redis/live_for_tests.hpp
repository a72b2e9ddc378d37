#pragma once
// For the live tests: a real Redis that all tests of the program share, and running a coroutine's body.

#include <gtest/gtest.h>

#include "yun/cache/redis/client.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/testing/chaos.hpp"
#include "yun/testing/peer.hpp"

namespace yun::cache::redis {

/// Started by the first who asks; ends with the program.
inline testing::Peer& shared_redis() {
  static Result<testing::Peer> peer = testing::Peer::start("redis");
  if (!peer) ADD_FAILURE() << peer.error().to_string();
  return *peer;
}

inline Options options_for(const runtime::Address& address) {
  Options options;
  options.host = address.host();
  options.port = address.port();
  return options;
}

inline Task<Result<void>> send_flush(Options options) {
  Context ctx;
  options.timeout = options.stall = std::chrono::seconds(5);
  Client client(std::move(options));
  auto flushing = client.call(ctx, Command{"FLUSHALL"});
  YUN_CHECK(co_await std::move(flushing));
  co_return Result<void>();
}
inline void flush(const runtime::Address& address) {
  const auto flushed = runtime::block_on(send_flush(options_for(address)));
  ASSERT_TRUE(flushed) << flushed.error().to_string();
}

inline std::chrono::milliseconds since(TimePoint began) { return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began); }

/// Calls until it is well; the last error after ten seconds.
inline Task<Result<Value>> call_until_ok(Client& client, Context& ctx, Command command) {
  const TimePoint until = Clock::now() + std::chrono::seconds(10);
  for (;;) {
    auto calling = client.call(ctx, command);
    auto reply = co_await std::move(calling);
    if (reply || Clock::now() > until) co_return reply;
    YUN_CHECK(co_await runtime::sleep_for(ctx, std::chrono::milliseconds(5)));
  }
}

inline void run(Task<Result<void>> body) {
  const auto done = runtime::block_on(std::move(body));
  EXPECT_TRUE(done) << done.error().to_string();
}

}  // namespace yun::cache::redis
