// Session as a client: requests, answers, what a hostile or faulty server does.

#include <gtest/gtest.h>

#include "yun/http/codec2/session_testing.hpp"

namespace yun::http::codec2 {
namespace {

constexpr std::uint8_t kEnd = flag::kEndHeaders | flag::kEndStream;

/// Literal fields, no table.
std::string block(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string bytes;
  for (const auto& [name, value] : fields) {
    bytes.append(1, '\0').append(1, static_cast<char>(name.size())).append(name).append(1, static_cast<char>(value.size())).append(value);
  }
  return bytes;
}
std::string head(std::uint32_t stream, std::uint8_t flags = flag::kEndHeaders, std::string_view status = "200") {
  return frame(FrameType::Headers, flags, stream, block({{":status", status}, {"x", "y"}}));
}
std::string data(std::uint32_t stream, std::string_view bytes, std::uint8_t flags = 0) { return frame(FrameType::Data, flags, stream, bytes); }
std::string rst(std::uint32_t stream, ErrorCode code) { return frame(FrameType::RstStream, 0, stream, four(static_cast<std::uint32_t>(code))); }
std::string setting(Setting name, std::uint32_t value) {
  return std::string(1, '\0').append(1, static_cast<char>(name)) + four(value);
}
std::string goaway(std::uint32_t last) { return frame(FrameType::GoAway, 0, 0, four(last) + four(0)); }

struct Client : Owner {
  explicit Client(const SessionLimits& limits = {}) : Owner(limits, Role::Client) {}
};

TEST(ClientSession, SaysThePrefaceAndThatItTakesNoPushes) {
  Client client;
  client.session.open();
  const std::string said = client.take_out();
  ASSERT_TRUE(said.starts_with(kPreface));
  EXPECT_EQ(describe(said.substr(kPreface.size())), "SETTINGS0 WINDOW0:983041 ");
  EXPECT_NE(said.find(setting(Setting::EnablePush, 0)), std::string::npos);
  EXPECT_EQ(said.find(std::string("\0\3", 2) + four(100)), std::string::npos);  // how many streams it takes is not for a client to say
}

TEST(ClientSession, AsksAndReadsTheAnswer) {
  Client client;
  ASSERT_TRUE(client.start_client());
  EXPECT_EQ(client.ask(), 1u);
  EXPECT_EQ(client.ask("hello", true), 3u);
  EXPECT_EQ(describe(client.take_out()), "HEADERS+1 HEADERS3 DATA3:5 HEADERS+3 ");
  ASSERT_TRUE(client.take(head(3) + data(3, "answer") + frame(FrameType::Headers, kEnd, 3, block({{"grpc-status", "0"}}))));
  EXPECT_EQ(client.streams.at(3)->head, ":status=200;x=y;grpc-status=0;");
  EXPECT_EQ(client.streams.at(3)->body, "answer");
  EXPECT_TRUE(client.streams.at(3)->ended);
  ASSERT_TRUE(client.take(head(1, kEnd)));
  EXPECT_EQ(client.closed, (std::vector<std::uint32_t>{3, 1}));
  EXPECT_EQ(client.session.open_streams(), 0u);
}

TEST(ClientSession, TheServerReadsWhatItSends) {
  Owner server;
  Client client;
  server.session.open();
  client.session.open();
  ASSERT_TRUE(server.take(client.take_out()));
  ASSERT_TRUE(client.take(server.take_out()));
  for (int i = 0; i < 3; ++i) {  // the third comes from HPACK's table
    Owner::Stream& asked = *(client.streams[static_cast<std::uint32_t>(2 * i + 1)] = std::make_unique<Owner::Stream>());
    client.session.begin_request(asked);
    for (const auto& [name, value] : {std::pair{":method", "POST"}, {":scheme", "http"}, {":path", "/shop.Users/Get"}, {":authority", "a:1"}}) {
      client.session.put(name, value);
    }
    client.session.put_once("traceparent", std::to_string(i));
    client.session.end_head(asked, true);
    ASSERT_TRUE(server.take(client.take_out()));
    EXPECT_EQ(server.streams.at(asked.id)->head,
              ":method=POST;:scheme=http;:path=/shop.Users/Get;:authority=a:1;traceparent=" + std::to_string(i) + ";");
    server.answer(asked.id, std::string(40'000, 'x'));
    (void)server.session.produce(1 << 20);
    ASSERT_TRUE(client.take(server.take_out()));
    EXPECT_EQ(asked.body.size(), 40'000u);
    EXPECT_TRUE(asked.gone);
  }
}

TEST(ClientSession, ReadsOverInterimHeads) {
  Client client;
  ASSERT_TRUE(client.start_client());
  client.ask();
  ASSERT_TRUE(client.take(head(1, flag::kEndHeaders, "100") + head(1, flag::kEndHeaders, "103") + head(1, kEnd, "204")));
  EXPECT_EQ(client.streams.at(1)->head, ":status=204;x=y;");
  EXPECT_TRUE(client.streams.at(1)->ended);
  client.ask();
  std::string many;
  for (int i = 0; i < 33; ++i) many += head(3, flag::kEndHeaders, "103");
  ASSERT_TRUE(client.take(many));
  EXPECT_TRUE(client.streams.at(3)->broken);
  EXPECT_EQ(client.streams.at(3)->reset_code, ErrorCode::EnhanceYourCalm);
}

TEST(ClientSession, ResetsAStreamWhoseAnswerIsMalformed) {
  const std::string cases[] = {
      frame(FrameType::Headers, kEnd, 1, block({{"x", "y"}})),                                                 // no status
      frame(FrameType::Headers, kEnd, 1, block({{"x", "y"}, {":status", "200"}})),                             // behind a field
      frame(FrameType::Headers, kEnd, 1, block({{":status", "200"}, {":status", "200"}})),                     // twice
      frame(FrameType::Headers, kEnd, 1, block({{":status", "20"}})),                                          //
      frame(FrameType::Headers, kEnd, 1, block({{":status", "2x0"}})),                                         //
      frame(FrameType::Headers, kEnd, 1, block({{":status", "099"}})),                                         //
      frame(FrameType::Headers, flag::kEndHeaders, 1, block({{":status", "101"}})),                            // RFC 9113 8.6
      frame(FrameType::Headers, kEnd, 1, block({{":status", "100"}})),                                         // an end that is none
      frame(FrameType::Headers, kEnd, 1, block({{":status", "200"}, {":path", "/"}})),                         // a request's
      frame(FrameType::Headers, kEnd, 1, block({{":status", "200"}, {"connection", "close"}})),                // HTTP/1's
      frame(FrameType::Headers, kEnd, 1, block({{":status", "200"}, {"Upper", "case"}})),                      //
      frame(FrameType::Headers, kEnd, 1, block({{":status", "200"}, {"x", "a\r\nb: c"}})),                     //
      head(1) + frame(FrameType::Headers, flag::kEndHeaders, 1, block({{"trailer", "without end"}})),          //
      head(1) + frame(FrameType::Headers, kEnd, 1, block({{":status", "200"}})),                               // in trailers
      data(1, "before its head"),
  };
  for (const std::string& bytes : cases) {
    Client client;
    ASSERT_TRUE(client.start_client());
    client.ask();
    client.take_out();
    ASSERT_TRUE(client.take(bytes)) << bytes;
    EXPECT_EQ(describe(client.take_out()), "RST1:1 ") << bytes;
    EXPECT_TRUE(client.streams.at(1)->broken) << bytes;
    EXPECT_FALSE(client.streams.at(1)->ended) << bytes;
  }
}

TEST(ClientSession, AServerMayBreakEveryStreamAndTheNextIsStillAnswered) {
  Client client({.max_resets_per_minute = 3});
  ASSERT_TRUE(client.start_client());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client.take(data(client.ask(), "no head")));
  ASSERT_TRUE(client.take(head(client.ask(), kEnd)));
  EXPECT_TRUE(client.streams.at(41)->ended);
}

TEST(ClientSession, HoldsABodyToItsLength) {
  for (const std::string& body : {data(1, "12345678"), data(1, "123", flag::kEndStream)}) {
    Client client;
    client.length = 5;
    ASSERT_TRUE(client.start_client());
    client.ask();
    ASSERT_TRUE(client.take(head(1) + body));
    EXPECT_TRUE(client.streams.at(1)->broken);
    EXPECT_FALSE(client.streams.at(1)->ended);
  }
}

TEST(ClientSession, OpensNoMoreStreamsThanTheServerAllows) {
  Client client({.max_streams = 1000});
  client.session.open();
  std::size_t opened = 0;
  while (client.ask() != 0) ++opened;
  EXPECT_EQ(opened, 100u);  // before its SETTINGS
  Client told({.max_streams = 1000});
  ASSERT_TRUE(told.start_client(setting(Setting::MaxConcurrentStreams, 2)));
  EXPECT_EQ(told.ask(), 1u);
  EXPECT_EQ(told.ask(), 3u);
  EXPECT_EQ(told.ask(), 0u);
  ASSERT_TRUE(told.take(head(1, kEnd)));
  EXPECT_EQ(told.ask(), 5u);
  // Fewer than are open: nothing breaks, but no stream until enough have ended.
  ASSERT_TRUE(told.take(frame(FrameType::Settings, 0, 0, setting(Setting::MaxConcurrentStreams, 0)) + head(3, kEnd)));
  EXPECT_EQ(told.ask(), 0u);
  EXPECT_FALSE(told.session.exhausted());
}

TEST(ClientSession, SendsNoMoreThanTheServersWindows) {
  Client client;
  ASSERT_TRUE(client.start_client(setting(Setting::InitialWindowSize, 10)));
  client.ask(std::string(25, 'x'));
  EXPECT_EQ(describe(client.take_out()), "HEADERS1 DATA1:10 ");
  ASSERT_TRUE(client.take(frame(FrameType::WindowUpdate, 0, 1, four(5))));
  (void)client.session.produce(1 << 20);
  EXPECT_EQ(describe(client.take_out()), "DATA1:5 ");
  ASSERT_TRUE(client.take(frame(FrameType::Settings, 0, 0, setting(Setting::InitialWindowSize, 100))));
  (void)client.session.produce(1 << 20);
  EXPECT_EQ(describe(client.take_out()), "SETTINGS+0 DATA+1:10 ");
}

TEST(ClientSession, GivesWindowsBackAsTheBodyIsRead) {
  Client client({.stream_window = 1000, .connection_window = 70'000});
  ASSERT_TRUE(client.start_client());
  client.ask();
  client.take_out();
  ASSERT_TRUE(client.take(head(1) + data(1, std::string(600, 'x'))));
  EXPECT_EQ(describe(client.take_out()), "WINDOW1:600 ");
  client.reads = false;
  ASSERT_TRUE(client.take(data(1, std::string(1000, 'x'))));
  EXPECT_EQ(describe(client.take_out()), "");
  ASSERT_TRUE(client.take(data(1, "x")));
  EXPECT_EQ(describe(client.take_out()), "RST1:3 ");  // FLOW_CONTROL_ERROR
}

TEST(ClientSession, ARefusedStreamSaysSo) {
  Client client;
  ASSERT_TRUE(client.start_client());
  client.ask("unfinished", false, 0);
  ASSERT_TRUE(client.take(rst(1, ErrorCode::RefusedStream)));
  EXPECT_EQ(client.closed, std::vector<std::uint32_t>{1});
  EXPECT_TRUE(client.streams.at(1)->was_reset);
  EXPECT_FALSE(client.streams.at(1)->broken);
  EXPECT_EQ(client.streams.at(1)->reset_code, ErrorCode::RefusedStream);
  client.take_out();
  (void)client.session.produce(1 << 20);
  EXPECT_EQ(describe(client.take_out()), "");  // nothing more of it
}

TEST(ClientSession, AResetAfterTheWholeAnswerLeavesTheAnswerWhole) {
  Client client;
  ASSERT_TRUE(client.start_client(setting(Setting::InitialWindowSize, 1)));
  client.ask("long");
  ASSERT_TRUE(client.take(head(1, kEnd) + rst(1, ErrorCode::NoError)));
  EXPECT_TRUE(client.streams.at(1)->ended);
  EXPECT_TRUE(client.streams.at(1)->remote_done);
  EXPECT_TRUE(client.streams.at(1)->gone);
}

TEST(ClientSession, GoawayDropsWhatTheServerWillNotLookAt) {
  Client client;
  ASSERT_TRUE(client.start_client());
  for (int i = 0; i < 4; ++i) client.ask();
  ASSERT_TRUE(client.take(goaway(kMaxStreamId)));
  EXPECT_TRUE(client.closed.empty());
  EXPECT_EQ(client.ask(), 0u);
  ASSERT_TRUE(client.take(goaway(3)));
  std::sort(client.closed.begin(), client.closed.end());
  EXPECT_EQ(client.closed, (std::vector<std::uint32_t>{5, 7}));
  EXPECT_EQ(client.streams.at(5)->reset_code, ErrorCode::RefusedStream);
  ASSERT_TRUE(client.take(head(3, kEnd) + head(7, kEnd)));  // what it answers nevertheless is read over
  EXPECT_TRUE(client.streams.at(3)->ended);
  EXPECT_FALSE(client.streams.at(7)->ended);
  EXPECT_FALSE(client.take(goaway(5)));
}

TEST(ClientSession, WhatComesForAStreamThatItResetIsReadOver) {
  Client client;
  ASSERT_TRUE(client.start_client());
  for (int i = 0; i < 100; ++i) {
    const std::uint32_t id = client.ask();
    client.session.reset(*client.streams.at(id), ErrorCode::Cancel);
    client.collect();
  }
  // 1 has left the record of ended streams, 199 has not; HPACK's table must follow both.
  const std::string indexed = std::string("\x88\x40\x01x\x01y", 6);
  ASSERT_TRUE(client.take(frame(FrameType::Headers, flag::kEndHeaders, 1, indexed) + data(1, "late", flag::kEndStream)));
  ASSERT_TRUE(client.take(frame(FrameType::Headers, flag::kEndHeaders, 199, "\x88\xbe") + data(199, "late") + rst(199, ErrorCode::NoError)));
  client.ask();
  ASSERT_TRUE(client.take(frame(FrameType::Headers, kEnd, 201, "\x88\xbe")));
  EXPECT_EQ(client.streams.at(201)->head, ":status=200;x=y;");
}

TEST(ClientSession, EndsTheConnectionOnWhatNoServerMayDo) {
  const std::pair<std::string, int> cases[] = {
      {frame(FrameType::PushPromise, flag::kEndHeaders, 1, four(2) + block({{":method", "GET"}})), 1},
      {frame(FrameType::Settings, 0, 0, setting(Setting::EnablePush, 1)), 1},
      {frame(FrameType::Settings, 0, 0, setting(Setting::EnableConnectProtocol, 1) + setting(Setting::EnableConnectProtocol, 0)), 1},
      {frame(FrameType::Settings, 0, 0, setting(Setting::MaxFrameSize, 100)), 1},
      {frame(FrameType::Settings, 0, 0, setting(Setting::InitialWindowSize, 0x80000000)), 3},
      {head(3), 1},                                    // never asked
      {head(2), 1},                                    // a stream of its own
      {data(3, "x"), 1},                               //
      {rst(3, ErrorCode::Cancel), 1},                  //
      {frame(FrameType::WindowUpdate, 0, 2, four(1)), 1},
      {frame(FrameType::WindowUpdate, 0, 0, four(0x7fffffff)), 3},
      {frame(FrameType::Headers, kEnd, 1, "\xff\xff\xff"), 9},
      {frame(FrameType::Headers, flag::kEndStream, 1, "\x88") + data(1, "x"), 1},  // within a block
      {head(1, kEnd) + data(1, "x"), 5},
  };
  for (const auto& [bytes, code] : cases) {
    Client client;
    ASSERT_TRUE(client.start_client());
    client.ask();
    client.take_out();
    EXPECT_FALSE(client.take(bytes)) << bytes;
    EXPECT_NE(describe(client.take_out()).find("GOAWAY0:" + std::to_string(code) + " "), std::string::npos) << bytes << client.session.error_words();
    EXPECT_FALSE(client.session.can_open());
  }
}

TEST(ClientSession, AServerThatFloodsEndsTheConnection) {
  const auto many = [](std::string_view each, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all.append(each);
    return all;
  };
  const std::string cases[] = {
      many(frame(FrameType::Ping, 0, 0, "12345678"), 101),
      many(frame(FrameType::Settings, 0, 0, ""), 101),
      many(frame(FrameType::Settings, 0, 0, ""), 50) + many(frame(FrameType::Ping, 0, 0, "12345678"), 51),
      head(1) + many(data(1, ""), 101),
      head(1, kEnd) + many(rst(1, ErrorCode::Cancel), 202),
      frame(FrameType::Headers, 0, 1, "\x88") + many(frame(FrameType::Continuation, 0, 1, ""), 9),
  };
  for (const std::string& bytes : cases) {
    Client client;
    ASSERT_TRUE(client.start_client());
    client.ask();
    client.take_out();
    EXPECT_FALSE(client.take(bytes));
    EXPECT_NE(describe(client.take_out()).find("GOAWAY0:11 "), std::string::npos) << client.session.error_words();  // ENHANCE_YOUR_CALM
  }
}

TEST(ClientSession, AnswersPings) {
  Client client;
  ASSERT_TRUE(client.start_client());
  client.session.ping();
  EXPECT_EQ(describe(client.take_out()), "PING0 ");
  ASSERT_TRUE(client.take(frame(FrameType::Ping, flag::kAck, 0, "yun ping") + frame(FrameType::Ping, 0, 0, "12345678")));
  EXPECT_EQ(describe(client.take_out()), "PING+0 ");
}

TEST(ClientSession, FollowsTheServersTableSize) {
  Client client;
  ASSERT_TRUE(client.start_client(setting(Setting::HeaderTableSize, 0)));
  Owner::Stream stream;
  client.session.begin_request(stream);
  client.session.put("name", "of its own");
  client.session.end_head(stream, true);
  const std::string said = client.take_out();
  EXPECT_EQ(said[kFrameHead], '\x20');  // a table of no bytes, and then no entry for it
  EXPECT_EQ(said[kFrameHead + 1], '\0');
}

TEST(ClientSession, KnowsIfTheServerTakesTheConnectProtocol) {
  Client client;
  EXPECT_FALSE(client.session.peer_connects());
  ASSERT_TRUE(client.start_client(setting(Setting::EnableConnectProtocol, 1)));
  EXPECT_TRUE(client.session.peer_connects());
}

TEST(ClientSession, ALostTransportClosesAllStreams) {
  Client client;
  ASSERT_TRUE(client.start_client());
  for (int i = 0; i < 3; ++i) client.ask("body");
  client.take_out();
  client.session.close_all();
  client.collect();
  EXPECT_EQ(client.closed.size(), 3u);
  EXPECT_EQ(client.session.open_streams(), 0u);
  EXPECT_EQ(client.take_out(), "");
}

TEST(ClientSession, TheSameHoweverTheBytesAreCut) {
  const std::string all = frame(FrameType::Settings, 0, 0, "") + head(1, flag::kEndHeaders, "103") + head(1) +
                          frame(FrameType::Data, flag::kPadded, 1, std::string("\x03", 1) + "body" + "pad") +
                          frame(FrameType::Headers, flag::kEndStream, 1, block({{"a", "b"}})) + frame(FrameType::Continuation, flag::kEndHeaders, 1, block({{"c", "d"}}));
  Client client;
  client.session.open();
  client.ask();
  for (const char c : all) ASSERT_TRUE(client.take({&c, 1}));
  EXPECT_EQ(client.streams.at(1)->head, ":status=200;x=y;a=b;c=d;");
  EXPECT_EQ(client.streams.at(1)->body, "body");
  EXPECT_TRUE(client.streams.at(1)->ended);
}

}  // namespace
}  // namespace yun::http::codec2
