#include "yun/http/codec1/chunked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace yun::http::codec1 {
namespace {

using State = ChunkedDecoder::Step::State;

struct Decoded {
  State state = State::NeedMore;
  std::string data;
  std::string trailers;
  std::string rest;
};

/// Feeds `input` in pieces that grow by `step` bytes, keeping what was not consumed, as a connection does.
Decoded decode(std::string_view input, std::size_t step) {
  Decoded result;
  ChunkedDecoder decoder(64);
  std::size_t from = 0;
  std::size_t to = 0;
  while (result.state == State::NeedMore && to < input.size()) {
    to = std::min(to + step, input.size());
    for (;;) {
      const auto one = decoder.decode(input.substr(from, to - from));
      from += one.consumed;
      result.data += one.data;
      if (one.state == State::Data) continue;
      result.state = one.state;
      break;
    }
  }
  for (const auto field : decoder.trailers()) result.trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
  result.rest = input.substr(from);
  return result;
}

TEST(Chunked, GivesDataAndTrailersHoweverItIsCut) {
  const std::string input = "5\r\nhello\r\n6;ext=\"x\"\r\n world\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\nNEXT";
  for (std::size_t step = 1; step <= input.size(); ++step) {
    const auto decoded = decode(input, step);
    ASSERT_EQ(decoded.state, State::Done) << step;
    EXPECT_EQ(decoded.data, "hello world0123456789");
    EXPECT_EQ(decoded.trailers, "x-sum=1;y=2;");
    EXPECT_TRUE(decoded.rest.ends_with("NEXT"));
  }
}

TEST(Chunked, RefusesWhatAnotherProgramMightReadDifferently) {
  for (const char* bad : {"5\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
                          "+5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", "g\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
                          "5\r\nhello\rX0\r\n\r\n", "fffffffffffffffff\r\n", "1000000000000000\r\n", "5,\r\nhello\r\n0\r\n\r\n", "5;a\x01\r\nhello\r\n0\r\n\r\n",
                          "0\r\nContent-Length: 3\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nbad name: 3\r\n\r\n", "0\r\n folded\r\n\r\n"}) {
    EXPECT_EQ(decode(bad, 1).state, State::Failed) << bad;
    EXPECT_EQ(decode(bad, 100).state, State::Failed) << bad;
  }
}

TEST(Chunked, BoundsExtensionsAndTrailers) {
  EXPECT_EQ(decode("5;" + std::string(300, 'x'), 400).state, State::Failed);
  EXPECT_EQ(decode("0\r\nX: " + std::string(100, 'x') + "\r\n\r\n", 400).state, State::Failed);
}

TEST(Chunked, WritesWhatItReads) {
  Buffer out;
  write_chunk(out, "hello");
  write_chunk(out, "");
  write_chunk(out, std::string(300, 'x'));
  Headers trailers;
  trailers.add("X-Sum", "1");
  trailers.add("Content-Length", "7");
  write_last_chunk(out, trailers);
  const auto decoded = decode(out.view(), 10);
  EXPECT_EQ(decoded.state, State::Done);
  EXPECT_EQ(decoded.data, "hello" + std::string(300, 'x'));
  EXPECT_EQ(decoded.trailers, "x-sum=1;");
}

}  // namespace
}  // namespace yun::http::codec1
