#include "yun/cache/redis/client.hpp"

#include <gtest/gtest.h>

#include "yun/cache/redis/live_for_tests.hpp"

namespace yun::cache::redis {
namespace {

using namespace std::chrono_literals;
using testing::ChaosProxy;
using testing::Mode;

Task<void> increment(Client& client, Context& ctx, std::vector<std::int64_t>& answers) {
  auto calling = client.call(ctx, Command{"INCR", "count"});
  auto reply = co_await std::move(calling);
  answers.push_back(reply ? reply->integer : -1);
}

Task<Result<void>> pipeline(Options options) {
  Client client(std::move(options));
  Context ctx;
  runtime::Scope scope;
  std::vector<std::int64_t> answers;
  for (int i = 0; i < 500; ++i) scope.spawn(increment(client, ctx, answers));
  co_await scope.join();
  EXPECT_EQ(answers.size(), 500U);
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i], static_cast<std::int64_t>(i + 1));
  co_return Result<void>();
}

TEST(RedisClient, ManyCommandsShareOneConnectionAndKeepTheirOrder) {
  flush(shared_redis().address());
  ChaosProxy proxy(shared_redis().address());
  proxy.set({.delay = 5ms});
  Options options = options_for(proxy.address());
  options.timeout = options.stall = 5s;
  run(pipeline(options));
  EXPECT_EQ(proxy.counts().accepted, 1U);
}

Task<Result<void>> give_up(Options options, ChaosProxy& proxy) {
  Client client(std::move(options));
  Context ctx;
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"SET", "a", "of a"}));
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"SET", "b", "of b"}));
  proxy.set({.delay = 50ms});
  Context hasty(ctx, 20ms);
  auto first = co_await client.call(hasty, Command{"GET", "a"});
  EXPECT_EQ(first.error().code(), Code::DeadlineExceeded);
  EXPECT_EQ(first.error().reason(), "") << "the caller's own deadline";
  YUN_TRY(second, co_await client.call(ctx, Command{"GET", "b"}));
  EXPECT_EQ(second.text, "of b") << "the answer to the first was dropped";
  co_return Result<void>();
}

TEST(RedisClient, AnAnswerThatNobodyAwaitsAnyMoreIsDropped) {
  ChaosProxy proxy(shared_redis().address());
  Options options = options_for(proxy.address());
  options.timeout = options.stall = 5s;
  run(give_up(options, proxy));
}

Task<void> call_into(Client& client, Context& ctx, Command command, std::vector<Result<Value>>& answers) {
  auto calling = client.call(ctx, std::move(command));
  auto reply = co_await std::move(calling);
  answers.push_back(std::move(reply));
}

Task<Result<void>> fill(Options options) {
  Client client(std::move(options));
  Context ctx;
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"PING"}));
  runtime::Scope scope;
  std::vector<Result<Value>> answers;
  for (int i = 0; i < 3; ++i) scope.spawn(call_into(client, ctx, Command{"PING"}, answers));
  co_await scope.join();
  EXPECT_EQ(answers.size(), 3U);
  if (answers.size() != 3) co_return Result<void>();
  EXPECT_EQ(answers[0].error().reason(), "redis_queue_full") << "the third, refused at once";
  EXPECT_EQ(answers[0].error().code(), Code::Unavailable);
  EXPECT_TRUE(answers[1].ok() && answers[2].ok());
  const std::string large(5000, 'x');
  auto too_large = co_await client.call(ctx, Command{"SET", "large", large});
  EXPECT_EQ(too_large.error().reason(), "redis_command_too_large");
  EXPECT_EQ(too_large.error().code(), Code::ResourceExhausted);
  co_return Result<void>();
}

TEST(RedisClient, RefusesWhatIsMoreThanItsQueueTakes) {
  Options options = options_for(shared_redis().address());
  options.timeout = options.stall = 5s;
  options.max_in_flight = 2;
  options.max_queued = 4096;
  run(fill(options));
}

Task<Result<std::string>> ask(Options options, Command command) {
  options.timeout = options.stall = 5s;
  Client client(std::move(options));
  Context ctx;
  YUN_TRY(reply, co_await client.call(ctx, std::move(command)));
  co_return std::move(reply.text);
}

std::string answer(Options options, Command command) {
  auto text = runtime::block_on(ask(std::move(options), std::move(command)));
  return text ? *text : text.error().to_string();
}

TEST(RedisClient, SignsInAsAnAclUserAndChoosesItsDatabase) {
  auto redis = testing::Peer::start("redis", {"--user", "yun", "on", ">secret", "~*", "&*", "+@all", "-flushall", "--requirepass", "other"});
  ASSERT_TRUE(redis) << redis.error().to_string();
  Options options = options_for(redis->address());
  const std::string unknown = answer(options, Command{"PING"});
  EXPECT_NE(unknown.find("NOAUTH"), std::string::npos) << unknown;
  options.password = "hunter2";
  const std::string wrong = answer(options, Command{"PING"});
  EXPECT_TRUE(wrong.starts_with("UNAVAILABLE") && wrong.find("WRONGPASS") != std::string::npos) << wrong;
  EXPECT_EQ(wrong.find("hunter2"), std::string::npos) << wrong;
  options.password = "other";
  EXPECT_EQ(answer(options, Command{"ACL", "WHOAMI"}), "default");
  options.user = "yun";
  options.password = "secret";
  options.database = 3;
  EXPECT_EQ(answer(options, Command{"ACL", "WHOAMI"}), "yun");
  EXPECT_NE(answer(options, Command{"CLIENT", "INFO"}).find(" db=3 "), std::string::npos);
  EXPECT_TRUE(answer(options, Command{"FLUSHALL"}).starts_with("PERMISSION_DENIED: redis: NOPERM"));
  EXPECT_TRUE(answer(options, Command{"NOSUCH"}).starts_with("FAILED_PRECONDITION: redis: ERR unknown command"));
}

TEST(RedisClient, SpeaksVersion3AndFallsBackToVersion2) {
  EXPECT_NE(answer(options_for(shared_redis().address()), Command{"CLIENT", "INFO"}).find(" resp=3"), std::string::npos);
  auto old = testing::Peer::start("redis", {"--rename-command", "HELLO", "", "--requirepass", "secret"});
  ASSERT_TRUE(old) << old.error().to_string();
  Options options = options_for(old->address());
  options.password = "secret";
  options.database = 2;
  const std::string info = answer(options, Command{"CLIENT", "INFO"});
  EXPECT_NE(info.find(" resp=2"), std::string::npos) << info;
  EXPECT_NE(info.find(" db=2 "), std::string::npos) << info;
}

Task<Result<void>> script(Options options) {
  Client client(std::move(options));
  Context ctx;
  const Script add("return redis.call('INCRBY', KEYS[1], ARGV[1])");
  const std::vector<std::string> keys(1, "sum");
  const std::vector<std::string> five(1, "5");
  const std::vector<std::string> two(1, "2");
  YUN_TRY(first, co_await client.run(ctx, add, keys, five));
  EXPECT_EQ(first.integer, 5);
  YUN_TRY(second, co_await client.run(ctx, add, keys, two));
  EXPECT_EQ(second.integer, 7);
  YUN_CHECK(co_await client.call(ctx, Command{"SCRIPT", "FLUSH"}));
  YUN_TRY(third, co_await client.run(ctx, add, keys, two));
  EXPECT_EQ(third.integer, 9) << "the server had forgotten the script";
  YUN_TRY(fourth, co_await client.run(ctx, add, keys, two));
  EXPECT_EQ(fourth.integer, 11);
  const Script broken("return nonsense(");
  auto failed = co_await client.run(ctx, broken, keys, two);
  EXPECT_EQ(failed.error().code(), Code::FailedPrecondition);
  co_return Result<void>();
}

TEST(RedisClient, ScriptsAreKnownByTheirShaAndReloadedWhenForgotten) {
  flush(shared_redis().address());
  Options options = options_for(shared_redis().address());
  options.timeout = options.stall = 5s;
  run(script(options));
}

// ---- when things break ----

/// How long one PING took, and that it failed with `reason`.
Task<std::chrono::milliseconds> expect_failure(Client& client, Context& ctx, std::string_view reason) {
  const TimePoint began = Clock::now();
  auto calling = client.call(ctx, Command{"PING"});
  auto reply = co_await std::move(calling);
  EXPECT_FALSE(reply.ok());
  EXPECT_EQ(reply ? "" : reply.error().reason(), reason) << (reply ? "it was answered" : reply.error().to_string());
  co_return since(began);
}

Task<Result<void>> die_and_return(Options options, testing::Peer& redis) {
  Client client(std::move(options));
  Context ctx;
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"PING"}));
  redis.kill();
  (void)co_await client.call(ctx, Command{"PING"});  // this one may find out
  const TimePoint began = Clock::now();
  for (int i = 0; i < 1000; ++i) (void)co_await expect_failure(client, ctx, "redis_unavailable");
  EXPECT_LT(since(began), 500ms) << "a thousand refusals wait for nothing";
  YUN_CHECK(co_await runtime::sleep_for(ctx, 300ms));
  EXPECT_TRUE(redis.restart());
  YUN_TRY(pong, co_await call_until_ok(client, ctx, Command{"PING"}));
  EXPECT_EQ(pong.text, "PONG");
  co_return Result<void>();
}

TEST(RedisClient, FailsAtOnceWhileRedisIsDeadAndComesBackWithIt) {
  auto redis = testing::Peer::start("redis");
  ASSERT_TRUE(redis) << redis.error().to_string();
  run(die_and_return(options_for(redis->address()), *redis));
}

Task<Result<void>> freeze_and_thaw(Options options, testing::Peer& redis) {
  Client client(std::move(options));
  Context ctx;
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"PING"}));
  redis.freeze();
  const auto waited = co_await expect_failure(client, ctx, "redis_timeout");
  EXPECT_GE(waited, 90ms);
  EXPECT_LT(waited, 400ms);
  const TimePoint began = Clock::now();
  for (int i = 0; i < 1000; ++i) (void)co_await expect_failure(client, ctx, "redis_unavailable");
  EXPECT_LT(since(began), 500ms);
  redis.resume();
  YUN_TRY(pong, co_await call_until_ok(client, ctx, Command{"PING"}));
  EXPECT_EQ(pong.text, "PONG");
  co_return Result<void>();
}

TEST(RedisClient, AFrozenRedisCostsOneTimeoutAndThenNothing) {
  auto redis = testing::Peer::start("redis");
  ASSERT_TRUE(redis) << redis.error().to_string();
  run(freeze_and_thaw(options_for(redis->address()), *redis));
}

Task<Result<void>> stall_shortly(Options options, ChaosProxy& proxy) {
  Client client(std::move(options));
  Context ctx;
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"PING"}));
  proxy.set({.mode = Mode::Blackhole});
  (void)co_await expect_failure(client, ctx, "redis_timeout");
  (void)co_await expect_failure(client, ctx, "redis_unavailable");
  proxy.set({});
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"PING"}));
  EXPECT_EQ(proxy.counts().accepted, 1U) << "a hiccup costs no connection";
  proxy.set({.mode = Mode::Blackhole});
  (void)co_await expect_failure(client, ctx, "redis_timeout");
  YUN_CHECK(co_await runtime::sleep_for(ctx, 1500ms));
  EXPECT_GE(proxy.counts().accepted, 2U) << "longer silence does";
  proxy.set({});
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"PING"}));
  co_return Result<void>();
}

TEST(RedisClient, AShortSilenceIsSatOutAndALongOneEndsTheConnection) {
  ChaosProxy proxy(shared_redis().address());
  Options options = options_for(proxy.address());
  options.connect_timeout = 300ms;
  run(stall_shortly(options, proxy));
}

constexpr testing::Chaos kKinds[] = {{.mode = Mode::Corrupt, .every = 7}, {.mode = Mode::OneByte}, {.delay = 30ms}, {.mode = Mode::Refuse}, {.mode = Mode::Blackhole}};

Task<Result<void>> survive(Options options, ChaosProxy& proxy) {
  Client client(std::move(options));
  Context ctx;
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"SET", "key", "value"}));
  for (const testing::Chaos& chaos : kKinds) {
    proxy.set(chaos);
    proxy.cut();
    for (int i = 0; i < 20; ++i) {
      const TimePoint began = Clock::now();
      (void)co_await client.call(ctx, Command{"GET", "key"});  // well or not: in time
      EXPECT_LT(since(began), 400ms);
      YUN_CHECK(co_await runtime::sleep_for(ctx, 5ms));
    }
    proxy.set({});
    proxy.half_close();
    YUN_TRY(value, co_await call_until_ok(client, ctx, Command{"GET", "key"}));
    EXPECT_EQ(value.text, "value");
  }
  co_return Result<void>();
}

TEST(RedisClient, NeverHangsWhateverTheNetworkDoesAndHealsAfterIt) {
  ChaosProxy proxy(shared_redis().address());
  Options options = options_for(proxy.address());
  options.connect_timeout = 300ms;
  run(survive(options, proxy));
}

Task<Result<void>> stay_away(Options options, ChaosProxy& proxy, std::uint64_t& tries) {
  Client client(std::move(options));
  Context ctx;
  YUN_CHECK(co_await call_until_ok(client, ctx, Command{"PING"}));
  const std::uint64_t before = proxy.counts().accepted;
  proxy.set({.mode = Mode::Blackhole});
  proxy.cut();
  const TimePoint until = Clock::now() + 3s;
  while (Clock::now() < until) {
    (void)co_await client.call(ctx, Command{"PING"});  // refused; traffic must make no connections
    YUN_CHECK(co_await runtime::sleep_for(ctx, 1ms));
  }
  tries = proxy.counts().accepted - before;
  co_return Result<void>();
}

TEST(RedisClient, ConnectsAgainByItsBackOffAndNotByTheTraffic) {
  ChaosProxy proxy(shared_redis().address());
  Options options = options_for(proxy.address());
  options.connect_timeout = 50ms;
  std::uint64_t tries = 0;
  run(stay_away(options, proxy, tries));
  EXPECT_GE(tries, 2U);
  EXPECT_LE(tries, 40U) << "in three seconds of some two thousand calls";
}

}  // namespace
}  // namespace yun::cache::redis
