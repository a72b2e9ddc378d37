#include "yun/http/codec1/writer.hpp"

#include <gtest/gtest.h>

#include "yun/http/codec1/text.hpp"

namespace yun::http::codec1 {
namespace {

TEST(Token, IsCheckedAtEachByteOfAnyLength) {
  EXPECT_FALSE(is_token(""));
  for (std::size_t size = 1; size <= 50; ++size) {
    const std::string good(size, 'a');
    ASSERT_TRUE(is_token(good)) << size;
    ASSERT_TRUE(is_token(std::string(size, 'Z'))) << size;  // not what most names are made of, but allowed
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = good;
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(is_token(text), kToken[static_cast<std::size_t>(byte)]) << size << " " << at << " " << byte;
      }
    }
  }
}

TEST(Control, IsFoundAtEachByteOfAnyLength) {
  EXPECT_EQ(first_control(""), 0u);
  for (std::size_t size = 1; size <= 50; ++size) {
    ASSERT_EQ(first_control(std::string(size, 'a')), size);
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        ASSERT_EQ(first_control(text), control ? at : size) << size << " " << at << " " << byte;
        if (control) text.back() = '\0';
        ASSERT_EQ(first_control(text), control ? at : size) << size << " " << at << " " << byte;
      }
    }
  }
}

TEST(Writer, WritesAResponseHead) {
  Response response;
  response.status = 201;
  response.headers.add("Location", "/x");
  Buffer out;
  write_response_head(out, response, {.content_length = 5}, "D");
  EXPECT_EQ(out.view(), "HTTP/1.1 201 Created\r\ndate: D\r\nlocation: /x\r\ncontent-length: 5\r\n\r\n");
}

TEST(Writer, FramingIsItsOwnAndAValueCannotSplitAResponse) {
  Response response;
  response.headers.add("content-length", "999");
  response.headers.add("Transfer-Encoding", "gzip");
  response.headers.add("connection", "x");
  response.headers.add("x", "a\r\nset-cookie: b\0c");
  response.headers.add("bad name\r\n", "v");
  Buffer out;
  HeadFraming framing;
  framing.chunked = true;
  framing.connection = HeadFraming::Connection::Close;
  write_response_head(out, response, framing, "");
  EXPECT_EQ(out.view(), "HTTP/1.1 200 OK\r\nx: a  set-cookie: b\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
}

TEST(Writer, WritesARequestHead) {
  Request request;
  request.method = Method::Put;
  request.target = "/a?b";
  request.authority = "h:1";
  request.headers.add("host", "other");
  request.headers.add("accept", "*/*");
  Buffer out;
  write_request_head(out, request, {.content_length = 0});
  EXPECT_EQ(out.view(), "PUT /a?b HTTP/1.1\r\nhost: h:1\r\naccept: */*\r\ncontent-length: 0\r\n\r\n");
}

TEST(Writer, DateChangesWithTheSecond) {
  const TimePoint now = Clock::now();
  const std::string first(date(now));
  EXPECT_EQ(first.size(), 29u);
  EXPECT_TRUE(first.ends_with(" GMT"));
  EXPECT_EQ(date(now), first);
}

}  // namespace
}  // namespace yun::http::codec1
