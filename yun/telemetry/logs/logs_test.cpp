#include <gtest/gtest.h>

#include <condition_variable>

#include "yun/base/strings.hpp"
#include "yun/json/value.hpp"
#include "yun/telemetry/logs/fluentd.hpp"
#include "yun/telemetry/logs/line.hpp"
#include "yun/telemetry/logs/loki.hpp"
#include "yun/telemetry/logs/msgpack.hpp"
#include "yun/telemetry/logs/open.hpp"

using namespace yun;
using namespace yun::telemetry::logs;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kInfo = R"({"ts":"2026-11-23T12:00:00.000001Z","level":"info","msg":"a \"b\"","n":7})";
constexpr std::string_view kWarn = R"({"ts":"2026-11-23T12:00:01.500000Z","level":"warn","msg":"c"})";

std::string two_lines() { return std::string(kInfo) + "\n" + std::string(kWarn) + "\n"; }

std::string packed(const json::Value& value) {
  std::string out;
  MsgpackWriter(out).value(value);
  return to_hex(out);
}

/// What a sender was given, and what it says.
struct Receiver {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> batches;
  std::function<Result<void>(std::size_t number)> answer = [](std::size_t) { return Result<void>(); };

  void until(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 20s, [&] { return batches.size() >= count; });
  }
};

class TestSender final : public Sender {
 public:
  explicit TestSender(Receiver& receiver) : receiver_(receiver) {}
  Task<Result<void>> send(Context&, std::string_view lines) override {
    std::lock_guard lock(receiver_.mutex);
    receiver_.batches.emplace_back(lines);
    receiver_.changed.notify_all();
    co_return receiver_.answer(receiver_.batches.size());
  }

 private:
  Receiver& receiver_;
};

/// One that never answers.
class HangingSender final : public Sender {
 public:
  Task<Result<void>> send(Context& ctx, std::string_view) override {
    auto slept = co_await runtime::sleep_for(ctx, 1h);
    co_return slept;
  }
};

PushOptions quick() {
  PushOptions options;
  options.linger = 1ms;
  options.first_pause = 1ms;
  options.longest_pause = 2ms;
  return options;
}

std::shared_ptr<Push> push_to(Receiver& receiver, PushOptions options) {
  return std::make_shared<Push>("test", [&receiver] { return std::make_unique<TestSender>(receiver); }, options);
}

}  // namespace

TEST(LogLine, TimeAndLevelAreReadFromItsHead) {
  const Line line = read_line(kWarn);
  EXPECT_EQ(format_time(line.time), "2026-11-23T12:00:01.500000Z");
  EXPECT_EQ(line.level, "warn");
  EXPECT_EQ(read_line("no json").level, "");
  EXPECT_EQ(read_line(R"({"ts":"nonsense","level":"info"})").time, Time{});
}

TEST(Loki, AStreamIsALevelAndItsLinesKeepTheirOrder) {
  const std::string body = loki_body({{"job", "shop\"s"}}, two_lines() + std::string(kInfo) + "\n");
  const auto read = json::parse(body);
  ASSERT_TRUE(read) << body;
  const json::Value& streams = (*read)["streams"];
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(*streams[0]["stream"]["job"].as_string(), "shop\"s");
  EXPECT_EQ(*streams[0]["stream"]["level"].as_string(), "info");
  ASSERT_EQ(streams[0]["values"].size(), 2u);
  EXPECT_EQ(*streams[0]["values"][0][0].as_string(), "1795435200000001000");
  EXPECT_EQ(*streams[0]["values"][0][1].as_string(), kInfo);
  EXPECT_EQ(*streams[1]["stream"]["level"].as_string(), "warn");
}

// The bytes of the examples in the specification's table of formats.
TEST(Msgpack, EachValueTakesItsShortestForm) {
  EXPECT_EQ(packed(nullptr), "c0");
  EXPECT_EQ(packed(true), "c3");
  EXPECT_EQ(packed(127), "7f");
  EXPECT_EQ(packed(128), "cc80");
  EXPECT_EQ(packed(256), "cd0100");
  EXPECT_EQ(packed(65536), "ce00010000");
  EXPECT_EQ(packed(std::uint64_t{1} << 32), "cf0000000100000000");
  EXPECT_EQ(packed(-32), "e0");
  EXPECT_EQ(packed(-33), "d0df");
  EXPECT_EQ(packed(-129), "d1ff7f");
  EXPECT_EQ(packed(-32769), "d2ffff7fff");
  EXPECT_EQ(packed(1.5), "cb3ff8000000000000");
  EXPECT_EQ(packed("abc"), "a3616263");
  EXPECT_EQ(packed(std::string(32, 'a')).substr(0, 4), "d920");
  EXPECT_EQ(packed(std::string(256, 'a')).substr(0, 6), "da0100");
  EXPECT_EQ(packed(std::string(65536, 'a')).substr(0, 10), "db00010000");
  EXPECT_EQ(packed(json::Value::array({1, 2})), "920102");
  EXPECT_EQ(packed(json::Value::object({{"a", json::Value::array()}})), "81a16190");
}

TEST(Fluentd, AMessageIsTagEntriesAndChunk) {
  // ["t", [[EventTime(1795435201, 500000000), {"ts": .., "level": "warn", "msg": "c"}]], {"chunk": "id"}]
  EXPECT_EQ(to_hex(fluentd_message("t", std::string(kWarn) + "\n", "id")),
            "93a1749192d7006b042ac11dcd650083a27473bb" + to_hex("2026-11-23T12:00:01.500000Z") + "a56c6576656ca47761726ea36d7367a16381a56368756e6ba26964");
  EXPECT_EQ(to_hex(fluentd_message("t", "not json\n", "")), "92a1749192d700000000000000000081a76d657373616765a8" + to_hex("not json"));
}

TEST(Fluentd, AnAcknowledgementMayComeInPieces) {
  const std::string whole = "\x81\xa3" "ack\xa4" "abcd";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto part = read_acknowledgement(whole.substr(0, size));
    ASSERT_TRUE(part) << size;
    EXPECT_FALSE(part->has_value()) << size;
  }
  EXPECT_EQ(**read_acknowledgement(whole), "abcd");
  EXPECT_FALSE(read_acknowledgement("HTTP/1.1 400"));
  EXPECT_FALSE(read_acknowledgement("\x81\xa3" "ack\x01"));
}

TEST(LogSinkUrl, NamesWhatIsWrong) {
  EXPECT_EQ(open("kafka://h", "s").error().message(), "no log sink is called \"kafka\"; there are loki, lokis and fluentd");
  EXPECT_FALSE(open("loki://", "s"));
  EXPECT_FALSE(open("loki://h:0", "s"));
  EXPECT_FALSE(open("loki://h/path", "s"));
  EXPECT_FALSE(open("loki://h?linger=soon", "s"));
  EXPECT_TRUE(open("fluentd://[::1]:24224/?tag=a%2Eb", "s"));
}

TEST(LogSinkUrl, PartsAreDecoded) {
  const auto url = parse_url("loki://me:p%40w@[::1]:3100/?job=a%26b&env=");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->user, "me");
  EXPECT_EQ(url->password, "p@w");
  EXPECT_EQ(url->host_and_port(1), "[::1]:3100");
  EXPECT_EQ(url->parameter("job"), "a&b");
}

TEST(Push, LinesAreSentTogetherAndCounted) {
  Receiver receiver;
  const auto push = push_to(receiver, quick());
  push->write("one\ntwo\n");
  push->flush();
  ASSERT_EQ(receiver.batches.size(), 1u);
  EXPECT_EQ(receiver.batches[0], "one\ntwo\n");
  EXPECT_EQ(push->counts().sent, 2u);
  EXPECT_EQ(push->counts().dropped, 0u);
}

TEST(Push, ABatchThatIsNotTakenIsSentAgainAndNothingIsLost) {
  Receiver receiver;
  receiver.answer = [](std::size_t number) { return number < 4 ? Result<void>(unavailable("away")) : Result<void>(); };
  const auto push = push_to(receiver, quick());
  push->write("one\n");
  receiver.until(4);
  push->flush();
  EXPECT_EQ(receiver.batches, std::vector<std::string>(4, "one\n"));
  EXPECT_EQ(push->counts().sent, 1u);
  EXPECT_EQ(push->counts().failures, 3u);
  EXPECT_EQ(push->counts().dropped, 0u);
}

TEST(Push, WhatIsRefusedForWhatItIsIsDroppedAndTheNextGoesOn) {
  Receiver receiver;
  receiver.answer = [](std::size_t number) { return number == 1 ? Result<void>(invalid_argument("too old")) : Result<void>(); };
  const auto push = push_to(receiver, quick());
  push->write("bad\n");
  receiver.until(1);
  push->write("good\n");
  push->flush();
  EXPECT_EQ(push->counts().dropped, 1u);
  EXPECT_EQ(push->counts().sent, 1u);
}

TEST(Push, AFullQueueDropsTheNewestAndCountsThem) {
  Receiver receiver;
  PushOptions options = quick();
  options.linger = 1h;
  options.max_queue = 8;
  const auto push = push_to(receiver, options);
  push->write("one\ntwo\n");
  push->write("three\n");
  push->flush();
  ASSERT_EQ(receiver.batches.size(), 1u);
  EXPECT_EQ(receiver.batches[0], "one\ntwo\n");
  EXPECT_EQ(push->counts().dropped, 1u);
}

TEST(Push, ABatchIsCutBetweenLines) {
  Receiver receiver;
  PushOptions options = quick();
  options.linger = 1h;
  options.max_batch = 9;
  const auto push = push_to(receiver, options);
  push->write("one\ntwo\nthree\nlonger than a batch\nx\n");
  push->flush();
  EXPECT_EQ(receiver.batches, (std::vector<std::string>{"one\ntwo\n", "three\n", "longer than a batch\n", "x\n"}));
}

TEST(Push, AReceiverThatHangsHoldsUpNeitherTheWriterNorTheEnd) {
  PushOptions options = quick();
  options.flush_timeout = 50ms;
  Push push("test", [] { return std::make_unique<HangingSender>(); }, options);
  const auto begin = Clock::now();
  for (int i = 0; i < 1000; ++i) push.write("line\n");
  push.flush();
  EXPECT_LT(Clock::now() - begin, 5s);
  EXPECT_EQ(push.counts().dropped, 1000u);
}
