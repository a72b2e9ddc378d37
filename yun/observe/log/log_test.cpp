#include "yun/observe/log/log.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <semaphore>
#include <set>
#include <sstream>
#include <thread>

#include "yun/json/read.hpp"
#include "yun/json/value.hpp"
#include "yun/observe/context.hpp"
#include "yun/observe/log/record.hpp"
#include "yun/observe/log/ring.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::observe::log {
namespace {

constexpr Time kTime{std::chrono::microseconds(1'795'435'200'000'042)};

std::string line_of(Level level, Context* ctx, std::string_view message, Fields fields, std::string_view service = {}, std::size_t max_text = 100) {
  std::vector<std::string> texts;
  const std::vector<Field> plain = Record::errors_as_text({fields.begin(), fields.size()}, texts);
  const Record record(level, ctx, message, plain, max_text);
  std::vector<std::uint64_t> bytes(record.size() / 8, 0xa5a5a5a5a5a5a5a5);
  record.put(reinterpret_cast<char*>(bytes.data()), 0);
  Line line;
  Record::format(line, {reinterpret_cast<const char*>(bytes.data()), record.size()}, kTime, service);
  return std::string(line.view());
}

/// Keeps what it is given.
class Kept final : public Sink {
 public:
  void write(std::string_view lines) noexcept override {
    std::lock_guard lock(mutex_);
    text_ += lines;
  }
  std::vector<std::string> lines() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    std::istringstream stream(text_);
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

/// Holds the writer inside write() until it is let go.
class Blocking final : public Sink {
 public:
  void write(std::string_view) noexcept override {
    entered.release();
    go.acquire();
    go.release();
  }
  std::counting_semaphore<> entered{0};
  std::counting_semaphore<> go{0};
};

TEST(LogLine, HasItsFieldsInOrder) {
  Context ctx;
  ctx.set_trace({0x0af7651916cd43dd, 0x8448eb211c80319c, 0xb7ad6b7169203331, true});
  ctx.set_request_id("r-1");
  EXPECT_EQ(line_of(Level::Warn, &ctx, "order placed", {{"order", "7"}, {"items", 2}}, ",\"service\":\"order\""),
            "{\"ts\":\"2026-11-23T12:00:00.000042Z\",\"level\":\"warn\",\"msg\":\"order placed\",\"service\":\"order\","
            "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":\"b7ad6b7169203331\",\"request_id\":\"r-1\","
            "\"order\":\"7\",\"items\":2}\n");
}

TEST(LogLine, WritesEachKindOfValue) {
  const Error error = not_found("no such user");
  EXPECT_EQ(line_of(Level::Info, nullptr, "m",
                    {{"text", std::string("a")},
                     {"view", std::string_view("b")},
                     {"small", std::int8_t{-3}},
                     {"large", UINT64_MAX},
                     {"real", 0.5},
                     {"nan", std::numeric_limits<double>::quiet_NaN()},
                     {"yes", true},
                     {"took", std::chrono::microseconds(12500)},
                     {"at", kTime},
                     {"error", error}}),
            "{\"ts\":\"2026-11-23T12:00:00.000042Z\",\"level\":\"info\",\"msg\":\"m\",\"text\":\"a\",\"view\":\"b\",\"small\":-3,"
            "\"large\":18446744073709551615,\"real\":0.5,\"nan\":null,\"yes\":true,\"took\":0.0125,"
            "\"at\":\"2026-11-23T12:00:00.000042Z\",\"error\":\"NOT_FOUND: no such user\"}\n");
}

TEST(LogLine, NeverLetsTextBreakOutOfItsLine) {
  const std::string line = line_of(Level::Error, nullptr, "a\n\"b\"\x01\xff", {{"k", "\\\r"}});
  EXPECT_EQ(line,
            "{\"ts\":\"2026-11-23T12:00:00.000042Z\",\"level\":\"error\",\"msg\":\"a\\n\\\"b\\\"\\u0001\xef\xbf\xbd\",\"k\":\"\\\\\\r\"}\n");
  EXPECT_TRUE(json::read<json::Value>(line));
}

TEST(LogLine, WritesSecondsWithNoMoreDigitsThanTheyNeed) {
  using namespace std::chrono_literals;
  EXPECT_NE(line_of(Level::Info, nullptr, "m", {{"a", 2s}, {"b", -1500ms}, {"c", 1ns}, {"d", 0ns}, {"e", 90min}})
                .find("\"a\":2,\"b\":-1.5,\"c\":0.000000001,\"d\":0,\"e\":5400}"),
            std::string::npos);
}

TEST(LogLine, CutsLongTextBetweenCharacters) {
  EXPECT_NE(line_of(Level::Info, nullptr, "m", {{"k", "abc\xe4\xba\x91"}}, {}, 5).find("\"k\":\"abc...\""), std::string::npos);
}

/// A record of `size` bytes, all `fill` but its size.
bool push(Ring& ring, std::uint32_t size, char fill) {
  char* place = ring.reserve(size);
  if (!place) return false;
  std::memset(place, fill, size);
  std::memcpy(place, &size, sizeof size);
  ring.commit();
  return true;
}

TEST(LogRing, GivesBackWhatWasPushedInOnePieceAcrossItsEnd) {
  Ring ring(1024);
  EXPECT_TRUE(push(ring, 504, 'a'));
  EXPECT_TRUE(push(ring, 304, 'b'));
  EXPECT_FALSE(push(ring, 304, 'c'));
  std::size_t at = ring.begin();
  EXPECT_EQ(ring.take(at).substr(4), std::string(500, 'a'));
  EXPECT_FALSE(push(ring, 304, 'c'));  // read, but not given back
  ring.give_back(at);
  EXPECT_TRUE(push(ring, 304, 'c'));  // does not fit behind b: lies at the front
  EXPECT_FALSE(push(ring, 304, 'd'));
  EXPECT_EQ(ring.take(at).substr(4), std::string(300, 'b'));
  EXPECT_NE(at, ring.end());
  EXPECT_EQ(ring.take(at).substr(4), std::string(300, 'c'));
  EXPECT_EQ(at, ring.end());
  ring.give_back(at);
  EXPECT_TRUE(push(ring, 504, 'e'));
  EXPECT_EQ(ring.take(at).substr(4), std::string(500, 'e'));
}

TEST(LogRing, BeginsAtItsFrontAgainWhenItIsEmptyAndStillHoldsAllItCan) {
  Ring ring(1 << 20);
  char* first = ring.reserve(64);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(push(ring, 64, static_cast<char>(i)));
    EXPECT_LE(ring.reserve(64) - first, 16 << 10);
    std::size_t at = ring.begin();
    ASSERT_EQ(ring.take(at).substr(4), std::string(60, static_cast<char>(i)));
    EXPECT_EQ(at, ring.end());
    ring.give_back(at);
  }
  int held = 0;
  while (push(ring, 64, static_cast<char>(held))) ++held;
  EXPECT_EQ(held, (1 << 20) / 64);
  std::size_t at = ring.begin();
  for (int i = 0; i < held; ++i) ASSERT_EQ(ring.take(at).substr(4), std::string(60, static_cast<char>(i)));
  EXPECT_EQ(at, ring.end());
}

TEST(Log, ALevelThatIsOffWritesNothing) {
  auto kept = std::make_shared<Kept>();
  ASSERT_TRUE(start({.service = "s", .level = Level::Warn, .output = "none", .sinks = {kept}}));
  info("not this");
  warn("this");
  set_level(Level::Debug);
  debug("and this");
  stop();
  set_level(Level::Info);
  const auto lines = kept->lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("\"msg\":\"this\",\"service\":\"s\""), std::string::npos);
  EXPECT_NE(lines[1].find("\"level\":\"debug\""), std::string::npos);
}

TEST(Log, KeepsEveryLineOfManyThreadsInTheirOrder) {
  auto kept = std::make_shared<Kept>();
  ASSERT_TRUE(start({.output = "none", .ring_size = 4 << 20, .sinks = {kept}}));
  const std::uint64_t dropped_before = dropped();
  const std::uint64_t count_before = count(Level::Info);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 2000; ++i) info("line", {{"thread", t}, {"i", i}});
    });
  for (auto& thread : threads) thread.join();
  stop();
  EXPECT_EQ(dropped(), dropped_before);
  EXPECT_EQ(count(Level::Info), count_before + 8000);
  int next[4] = {};
  for (const auto& line : kept->lines()) {
    auto value = json::read<json::Value>(line);
    ASSERT_TRUE(value) << line;
    const auto thread = line.find("\"thread\":");
    const int t = line[thread + 9] - '0';
    EXPECT_NE(line.find("\"i\":" + std::to_string(next[t]) + "}"), std::string::npos) << line;
    ++next[t];
  }
  for (const int n : next) EXPECT_EQ(n, 2000);
}

TEST(Log, DropsAndCountsWhenTheRingIsFullAndNeverWaits) {
  auto blocking = std::make_shared<Blocking>();
  ASSERT_TRUE(start({.output = "none", .ring_size = 1024, .sinks = {blocking}}));
  const std::uint64_t before = dropped();
  std::thread([&] {  // a thread of its own: its ring has the size asked for here
    info("held by the writer");
    blocking->entered.acquire();
    for (int i = 0; i < 100; ++i) info("one of a hundred");
  }).join();
  EXPECT_GT(dropped(), before + 60);
  EXPECT_LT(dropped(), before + 100);
  blocking->go.release();
  stop();
}

/// Says when something was written.
class Told final : public Sink {
 public:
  void write(std::string_view) noexcept override { written.release(); }
  std::counting_semaphore<> written{0};
};

TEST(Log, WritesEachLineByItselfHoweverItsWriterSleeps) {
  for (int run = 0; run < 20; ++run) {
    auto told = std::make_shared<Told>();
    ASSERT_TRUE(start({.output = "none", .sinks = {told}}));
    info("the first one wakes it from its sound sleep");
    ASSERT_TRUE(told->written.try_acquire_for(std::chrono::seconds(10)));
    info("now it naps");
    ASSERT_TRUE(told->written.try_acquire_for(std::chrono::seconds(10)));
    error("it naps again, and this is urgent");
    ASSERT_TRUE(told->written.try_acquire_for(std::chrono::seconds(10)));
    stop();
  }
}

TEST(Log, GivesEachLineTheTimeOfItsCallAlsoWhenItIsWrittenLater) {
  auto blocking = std::make_shared<Blocking>();
  auto kept = std::make_shared<Kept>();
  ASSERT_TRUE(start({.output = "none", .sinks = {blocking, kept}}));
  info("held by the writer");
  blocking->entered.acquire();
  const Time before = now();
  info("in between");
  const Time after = now();
  const TimePoint later = Clock::now() + std::chrono::milliseconds(5);
  while (Clock::now() < later) std::this_thread::yield();
  blocking->go.release();
  stop();
  const auto lines = kept->lines();
  ASSERT_EQ(lines.size(), 2u);
  const auto time = parse_time(std::string_view(lines[1]).substr(7, 27));
  ASSERT_TRUE(time) << lines[1];
  EXPECT_GE(*time, before - std::chrono::microseconds(50));
  EXPECT_LE(*time, after + std::chrono::microseconds(50));
}

TEST(LogDeathTest, WritesWhatIsInTheRingsBeforeASignalKillsTheProcess) {
  const std::string path = ::testing::TempDir() + "yun_log_crash_test_" + std::to_string(::getpid()) + ".log";
  EXPECT_EXIT(
      {
        if (!start({.output = path})) std::_Exit(1);
        for (int i = 0; i < 100; ++i) info("on the way down", {{"i", i}});
        std::abort();
      },
      ::testing::KilledBySignal(SIGABRT), "");
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(text.find("\"i\":99}"), std::string::npos);
  ::unlink(path.c_str());
}

TEST(Log, AppendsToAFile) {
  const std::string path = ::testing::TempDir() + "yun_log_test_" + std::to_string(::getpid()) + ".log";
  for (const char* message : {"first", "second"}) {
    ASSERT_TRUE(start({.service = "f", .output = path}));
    info(message);
    flush();
    std::ifstream file(path);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_NE(text.find(message), std::string::npos);
    EXPECT_NE(text.find("first"), std::string::npos);
    stop();
  }
  ::unlink(path.c_str());
}

TEST(Log, RefusesAFileThatCannotBeOpenedAndASecondStart) {
  auto failed = start({.output = "/nonexistent/folder/x.log"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::NotFound);
  ASSERT_TRUE(start({.output = "none"}));
  auto again = start({.output = "none"});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::FailedPrecondition);
  stop();
}

Task<Result<void>> log_in_a_coroutine(Context& ctx, std::string id) {
  yun::log::info(ctx, "before", {{"id", id + "!"}, {"n", 1}});
  auto slept = co_await runtime::sleep_for(ctx, std::chrono::nanoseconds(0));
  YUN_CHECK(std::move(slept));
  yun::log::info(ctx, "after", {{"id", id}});
  co_return Result<void>();
}

Task<Result<void>> with_context() {
  Context ctx;
  auto done = co_await log_in_a_coroutine(ctx, "a-long-enough-identifier-to-allocate");
  co_return done;
}

TEST(Log, WorksInACoroutine) {
  auto kept = std::make_shared<Kept>();
  ASSERT_TRUE(start({.output = "none", .sinks = {kept}}));
  EXPECT_TRUE(runtime::block_on(with_context()));
  stop();
  const auto lines = kept->lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("\"id\":\"a-long-enough-identifier-to-allocate!\",\"n\":1}"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("\"id\":\"a-long-enough-identifier-to-allocate\"}"), std::string::npos) << lines[1];
}

TEST(Log, OccasionalPassesOnceAPeriodAndSaysHowManyItMissed) {
  Occasional occasional(std::chrono::minutes(1));
  const TimePoint begin = Clock::now();
  EXPECT_EQ(occasional.pass(begin), 0u);
  EXPECT_EQ(occasional.pass(begin + std::chrono::seconds(1)), std::nullopt);
  EXPECT_EQ(occasional.pass(begin + std::chrono::seconds(59)), std::nullopt);
  EXPECT_EQ(occasional.pass(begin + std::chrono::seconds(61)), 2u);
}

TEST(Log, KnowsItsLevelsByName) {
  EXPECT_EQ(*parse_level("warn"), Level::Warn);
  EXPECT_FALSE(parse_level("WARN"));
}

}  // namespace
}  // namespace yun::observe::log
