// Session: what h2spec cannot see (windows, limits, order of frames), and the rules a request breaks.

#include "yun/http/codec2/session.hpp"

#include <gtest/gtest.h>

#include "yun/http/codec2/session_testing.hpp"

namespace yun::http::codec2 {
namespace {

constexpr std::uint8_t kWhole = flag::kEndHeaders | flag::kEndStream;

/// Literal fields, no table.
std::string block(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string bytes;
  for (const auto& [name, value] : fields) {
    bytes.append(1, '\0').append(1, static_cast<char>(name.size())).append(name).append(1, static_cast<char>(value.size())).append(value);
  }
  return bytes;
}
const std::string kGet = block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}});
std::string get(std::uint32_t stream, std::uint8_t flags = kWhole) { return frame(FrameType::Headers, flags, stream, kGet); }

TEST(Session, ReadsARequestAndAnswersIt) {
  Owner owner;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1)));
  EXPECT_EQ(owner.streams.at(1)->head, ":method=GET;:scheme=http;:path=/;:authority=a;");
  EXPECT_TRUE(owner.streams.at(1)->ended);
  owner.answer(1, "hello");
  EXPECT_EQ(describe(owner.take_out()), "HEADERS1 DATA+1:5 ");
  EXPECT_EQ(owner.closed, std::vector<std::uint32_t>{1});
  EXPECT_EQ(owner.session.open_streams(), 0u);
}

TEST(Session, AnswersOfATurnLeaveTogetherWithTheirTrailers) {
  Owner owner;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1) + get(3)));
  owner.answer(1, "one", true);
  owner.answer(3, "three", true);
  EXPECT_EQ(describe(owner.take_out()), "HEADERS1 DATA1:3 HEADERS+1 HEADERS3 DATA3:5 HEADERS+3 ");
}

TEST(Session, TheSameHoweverTheBytesAreCut) {
  Owner owner;
  owner.session.open();
  const std::string all = std::string(kPreface) + frame(FrameType::Settings, 0, 0, "") + get(1, flag::kEndHeaders) +
                          frame(FrameType::Data, flag::kEndStream | flag::kPadded, 1, std::string("\x03", 1) + "body" + "pad");
  for (const char c : all) ASSERT_TRUE(owner.take({&c, 1}));
  EXPECT_EQ(owner.streams.at(1)->body, "body");
  EXPECT_TRUE(owner.streams.at(1)->ended);
}

TEST(Session, SendsNoMoreThanTheStreamsWindow) {
  Owner owner;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(frame(FrameType::Settings, 0, 0, std::string("\0\4", 2) + four(10)) + get(1)));
  owner.take_out();
  owner.answer(1, std::string(25, 'x'), true);
  EXPECT_EQ(describe(owner.take_out()), "HEADERS1 DATA1:10 ");
  EXPECT_FALSE(owner.session.produce(1 << 20));
  ASSERT_TRUE(owner.take(frame(FrameType::WindowUpdate, 0, 1, four(5))));
  owner.session.produce(1 << 20);
  EXPECT_EQ(describe(owner.take_out()), "DATA1:5 ");
  // A larger initial window opens it too.
  ASSERT_TRUE(owner.take(frame(FrameType::Settings, 0, 0, std::string("\0\4", 2) + four(100))));
  owner.take_out();
  owner.session.produce(1 << 20);
  EXPECT_EQ(describe(owner.take_out()), "DATA1:10 HEADERS+1 ");
}

TEST(Session, SendsNoMoreThanTheConnectionsWindowAndTakesTurns) {
  Owner owner;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(frame(FrameType::Settings, 0, 0, std::string("\0\4", 2) + four(1 << 20)) + get(1) + get(3)));
  owner.take_out();
  owner.answer(1, std::string(60'000, 'x'), false, 0);
  owner.answer(3, std::string(60'000, 'x'), false, 0);
  EXPECT_FALSE(owner.session.produce(1 << 20));
  EXPECT_EQ(describe(owner.take_out()), "HEADERS1 HEADERS3 DATA1:16384 DATA3:16384 DATA1:16384 DATA3:16383 ");
  ASSERT_TRUE(owner.take(frame(FrameType::WindowUpdate, 0, 0, four(1 << 20))));
  while (owner.session.produce(1 << 20)) {
  }
  EXPECT_EQ(owner.streams.at(1)->sent + owner.streams.at(3)->sent, 120'000u);
  EXPECT_EQ(owner.session.open_streams(), 0u);
}

TEST(Session, GivesWindowsBackInHalves) {
  Owner owner({.stream_window = 64 << 10, .connection_window = 128 << 10});
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1, flag::kEndHeaders)));
  const std::string piece = frame(FrameType::Data, 0, 1, std::string(16384, 'x'));
  ASSERT_TRUE(owner.take(piece));
  EXPECT_EQ(describe(owner.take_out()), "");
  ASSERT_TRUE(owner.take(piece));
  EXPECT_EQ(describe(owner.take_out()), "WINDOW1:32768 ");
  ASSERT_TRUE(owner.take(piece + piece));
  EXPECT_EQ(describe(owner.take_out()), "WINDOW0:65536 WINDOW1:32768 ");
}

TEST(Session, AClientThatExceedsAWindowIsStopped) {
  Owner owner({.connection_window = 1 << 20});
  owner.reads = false;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1, flag::kEndHeaders)));
  const std::string piece = frame(FrameType::Data, 0, 1, std::string(16384, 'x'));
  ASSERT_TRUE(owner.take(piece + piece + piece + piece));
  ASSERT_TRUE(owner.take(piece));
  EXPECT_EQ(describe(owner.take_out()), "RST1:3 ");
}

TEST(Session, MalformedRequestsAreReset) {
  const std::string cases[] = {
      block({{":method", "GET"}, {":scheme", "http"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", ""}}),
      block({{":method", "GET"}, {":method", "GET"}, {":scheme", "http"}, {":path", "/"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {"a", "b"}, {":path", "/"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":status", "200"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":protocol", "websocket"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"connection", "close"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"te", "gzip"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"X-Upper", "b"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"a", "b\r\nc: d"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"a", " b"}}),
      block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"", "b"}}),
  };
  for (const std::string& each : cases) {
    Owner owner;
    ASSERT_TRUE(owner.start());
    ASSERT_TRUE(owner.take(frame(FrameType::Headers, kWhole, 1, each)));
    EXPECT_FALSE(owner.streams.at(1)->headed) << each;
    EXPECT_EQ(describe(owner.take_out()), "RST1:1 ") << each;
    EXPECT_TRUE(owner.take(get(3))) << "the connection goes on";
  }
}

TEST(Session, ProtocolIsForExtendedConnectOnly) {
  Owner owner({.connect_protocol = true});
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(frame(FrameType::Headers, flag::kEndHeaders, 1,
                               block({{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}))));
  EXPECT_TRUE(owner.streams.at(1)->headed);
}

TEST(Session, ABodyMustBeAsLongAsItSaid) {
  for (const std::string_view body : {"four!", "3rd"}) {
    Owner owner;
    owner.length = 4;
    ASSERT_TRUE(owner.start());
    ASSERT_TRUE(owner.take(get(1, flag::kEndHeaders) + frame(FrameType::Data, flag::kEndStream, 1, body)));
    EXPECT_EQ(describe(owner.take_out()), "RST1:1 ");
    EXPECT_FALSE(owner.streams.at(1)->ended);
  }
}

TEST(Session, FaultsOfTheConnectionEndIt) {
  struct Case {
    std::string bytes;
    ErrorCode code;
  };
  const std::string too_many_settings(33 * 6, '\0');
  const Case cases[] = {
      {frame(FrameType::Data, 0, 1, "x"), ErrorCode::ProtocolError},
      {frame(FrameType::Headers, kWhole, 0, kGet), ErrorCode::ProtocolError},
      {get(2), ErrorCode::ProtocolError},
      {get(5) + get(3), ErrorCode::ProtocolError},
      {frame(FrameType::Headers, kWhole | flag::kPadded, 1, "\xff"), ErrorCode::ProtocolError},
      {frame(FrameType::Headers, kWhole | flag::kPriority, 1, "abcd"), ErrorCode::FrameSizeError},
      {frame(FrameType::Headers, kWhole, 1, "\xff\xff\xff\xff\xff\xff"), ErrorCode::CompressionError},
      {frame(FrameType::Headers, flag::kEndStream, 1, kGet) + frame(FrameType::Ping, 0, 0, "12345678"), ErrorCode::ProtocolError},
      {frame(FrameType::Continuation, kWhole, 1, kGet), ErrorCode::ProtocolError},
      {frame(FrameType::PushPromise, 0, 1, "abcd"), ErrorCode::ProtocolError},
      {frame(FrameType::Settings, 0, 0, "12345"), ErrorCode::FrameSizeError},
      {frame(FrameType::Settings, flag::kAck, 0, "123456"), ErrorCode::FrameSizeError},
      {frame(FrameType::Settings, 0, 1, ""), ErrorCode::ProtocolError},
      {frame(FrameType::Settings, 0, 0, too_many_settings), ErrorCode::EnhanceYourCalm},
      {frame(FrameType::Settings, 0, 0, std::string("\0\4", 2) + four(0x80000000)), ErrorCode::FlowControlError},
      {frame(FrameType::Settings, 0, 0, std::string("\0\5", 2) + four(100)), ErrorCode::ProtocolError},
      {frame(FrameType::Settings, 0, 0, std::string("\0\2", 2) + four(2)), ErrorCode::ProtocolError},
      {frame(FrameType::Ping, 0, 0, "1234567"), ErrorCode::FrameSizeError},
      {frame(FrameType::Ping, 0, 1, "12345678"), ErrorCode::ProtocolError},
      {frame(FrameType::WindowUpdate, 0, 0, four(0)), ErrorCode::ProtocolError},
      {frame(FrameType::WindowUpdate, 0, 0, four(0x7fffffff)), ErrorCode::FlowControlError},
      {frame(FrameType::WindowUpdate, 0, 0, "abc"), ErrorCode::FrameSizeError},
      {frame(FrameType::WindowUpdate, 0, 7, four(1)), ErrorCode::ProtocolError},
      {frame(FrameType::RstStream, 0, 7, four(8)), ErrorCode::ProtocolError},
      {frame(FrameType::RstStream, 0, 0, four(8)), ErrorCode::ProtocolError},
      {frame(FrameType::Priority, 0, 1, four(1) + "w"), ErrorCode::ProtocolError},
      {frame(FrameType::GoAway, 0, 0, "short"), ErrorCode::FrameSizeError},
      {frame(FrameType::Data, 0, 1, std::string(16385, 'x')), ErrorCode::FrameSizeError},
  };
  for (const Case& each : cases) {
    Owner owner;
    ASSERT_TRUE(owner.start());
    EXPECT_FALSE(owner.take(each.bytes)) << describe(each.bytes);
    const std::string sent = describe(owner.take_out());
    EXPECT_TRUE(sent.ends_with("GOAWAY0:" + std::to_string(static_cast<unsigned>(each.code)) + " ")) << sent << " for " << describe(each.bytes);
    EXPECT_FALSE(owner.take(get(9))) << "nothing is taken any more";
  }
}

TEST(Session, NoPrefaceOrNoSettingsEndsIt) {
  Owner without;
  EXPECT_FALSE(without.take("GET / HTTP/1.1\r\n"));
  Owner first;
  EXPECT_FALSE(first.take(std::string(kPreface) + get(1)));
}

TEST(Session, LateFramesOfAStreamThatWasResetAreIgnored) {
  Owner owner;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1, flag::kEndHeaders)));
  owner.session.reset(*owner.streams.at(1), ErrorCode::Cancel);
  ASSERT_TRUE(owner.take(frame(FrameType::Data, 0, 1, "late") + frame(FrameType::Headers, kWhole, 1, kGet) + frame(FrameType::WindowUpdate, 0, 1, four(1))));
  EXPECT_EQ(owner.streams.at(1)->body, "");
  EXPECT_EQ(describe(owner.take_out()), "RST1:8 ");
}

TEST(Session, FramesAfterTheClientsOwnEndAreItsFault) {
  Owner half;
  ASSERT_TRUE(half.start());
  ASSERT_TRUE(half.take(get(1)));
  ASSERT_TRUE(half.take(frame(FrameType::Data, 0, 1, "x")));
  EXPECT_EQ(describe(half.take_out()), "RST1:5 ");
  Owner closed;
  ASSERT_TRUE(closed.start());
  ASSERT_TRUE(closed.take(get(1, flag::kEndHeaders) + frame(FrameType::RstStream, 0, 1, four(8))));
  EXPECT_FALSE(closed.take(frame(FrameType::Data, 0, 1, "x")));
  EXPECT_EQ(describe(closed.take_out()), "GOAWAY0:5 ");
}

TEST(Session, TrailersEndTheStreamOrBreakIt) {
  const std::string trailers = block({{"x-sum", "3"}});
  Owner owner;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1, flag::kEndHeaders) + frame(FrameType::Headers, kWhole, 1, trailers)));
  EXPECT_TRUE(owner.streams.at(1)->ended);
  EXPECT_TRUE(owner.streams.at(1)->head.ends_with("x-sum=3;"));
  ASSERT_TRUE(owner.take(get(3, flag::kEndHeaders) + frame(FrameType::Headers, flag::kEndHeaders, 3, trailers)));
  ASSERT_TRUE(owner.take(get(5, flag::kEndHeaders) + frame(FrameType::Headers, kWhole, 5, block({{":path", "/"}}))));
  EXPECT_EQ(describe(owner.take_out()), "RST3:1 RST5:1 ");
}

TEST(Session, MoreStreamsThanAllowedAreRefused) {
  Owner owner({.max_streams = 2});
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1) + get(3) + get(5)));
  EXPECT_EQ(describe(owner.take_out()), "RST5:7 ");
  owner.answer(1, "x");
  ASSERT_TRUE(owner.take(get(7)));
  EXPECT_EQ(owner.streams.count(7), 1u);
}

TEST(Session, RapidResetsEndTheConnection) {
  Owner owner({.max_resets_per_minute = 20});
  ASSERT_TRUE(owner.start());
  std::uint32_t id = 1;
  const auto open_and_reset = [&] {
    const bool fine = owner.take(get(id, flag::kEndHeaders) + frame(FrameType::RstStream, 0, id, four(8)));
    id += 2;
    return fine;
  };
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(open_and_reset());
  owner.now += std::chrono::seconds(6);  // two more
  ASSERT_TRUE(open_and_reset());
  ASSERT_TRUE(open_and_reset());
  EXPECT_FALSE(open_and_reset());
  EXPECT_EQ(describe(owner.take_out()), "GOAWAY0:11 ");
}

TEST(Session, ResetsThatTheClientProvokesCountAsItsOwn) {
  Owner owner({.max_resets_per_minute = 20});
  ASSERT_TRUE(owner.start());
  std::uint32_t id = 1;
  bool fine = true;
  int count = 0;
  for (; fine && count < 100; ++count, id += 2) fine = owner.take(get(id) + frame(FrameType::WindowUpdate, 0, id, four(0)));
  EXPECT_EQ(count, 21);
}

TEST(Session, FloodsEndTheConnection) {
  const auto flood = [](std::string_view each) {
    Owner owner;
    EXPECT_TRUE(owner.start());
    EXPECT_TRUE(owner.take(get(1, flag::kEndHeaders)));
    std::string all;
    for (int i = 0; i < 200; ++i) all.append(each);
    EXPECT_FALSE(owner.take(all));
    const std::string sent = describe(owner.take_out());
    EXPECT_TRUE(sent.ends_with("GOAWAY0:11 ")) << sent;
  };
  flood(frame(FrameType::Ping, 0, 0, "12345678"));
  flood(frame(FrameType::Settings, 0, 0, ""));
  flood(frame(FrameType::Data, 0, 1, ""));
  Owner owner;
  ASSERT_TRUE(owner.start());
  EXPECT_FALSE(owner.take(frame(FrameType::Headers, 0, 1, kGet) + frame(FrameType::Continuation, 0, 1, "") + frame(FrameType::Continuation, 0, 1, "") +
                          frame(FrameType::Continuation, 0, 1, "") + frame(FrameType::Continuation, 0, 1, "") + frame(FrameType::Continuation, 0, 1, "") +
                          frame(FrameType::Continuation, 0, 1, "") + frame(FrameType::Continuation, 0, 1, "") + frame(FrameType::Continuation, 0, 1, "") +
                          frame(FrameType::Continuation, 0, 1, "")));
  EXPECT_EQ(describe(owner.take_out()), "GOAWAY0:11 ");
}

TEST(Session, PingsThatAreAnsweredInBetweenAreNoFlood) {
  Owner owner;
  ASSERT_TRUE(owner.start());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(owner.take(frame(FrameType::Ping, 0, 0, "12345678")));
    EXPECT_EQ(owner.take_out(), frame(FrameType::Ping, flag::kAck, 0, "12345678"));
  }
}

TEST(Session, AHeadOverOneFrameContinues) {
  Owner owner;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1)));
  auto& stream = *owner.streams.at(1);
  owner.session.begin_head(stream, 200);
  owner.session.put("x-large", std::string(40'000, 'v'));
  owner.session.end_head(stream, true);
  EXPECT_EQ(describe(owner.take_out()), "HEADERS+1 CONTINUATION1 CONTINUATION1 ");
}

TEST(Session, GoingAwayServesWhatCameAndIgnoresTheRest) {
  Owner owner;
  ASSERT_TRUE(owner.start());
  ASSERT_TRUE(owner.take(get(1)));
  owner.session.notice_shutdown();
  ASSERT_TRUE(owner.take(get(3)));
  owner.session.go_away(ErrorCode::NoError);
  ASSERT_TRUE(owner.take(get(5)));
  EXPECT_EQ(owner.streams.size(), 2u);
  owner.answer(3, "x");
  EXPECT_EQ(describe(owner.take_out()), "GOAWAY0:0 GOAWAY0:0 HEADERS3 DATA+3:1 ");
}

}  // namespace
}  // namespace yun::http::codec2
