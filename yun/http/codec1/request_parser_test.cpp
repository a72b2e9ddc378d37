#include "yun/http/codec1/request_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace yun::http::codec1 {
namespace {

using State = RequestParser::State;

struct Parsed {
  State state;
  Request request;
  Framing framing;
  std::size_t consumed = 0;
  int status = 0;
  std::string reason;
};

Parsed parse(std::string_view bytes, HeadLimits limits = {}) {
  Parsed parsed;
  RequestParser parser(limits);
  parsed.state = parser.parse(bytes, parsed.request);
  if (parsed.state == State::Done) {
    parsed.framing = parser.framing();
    parsed.consumed = parser.consumed();
  } else if (parsed.state == State::Failed) {
    parsed.status = parser.error().status;
    parsed.reason = parser.error().reason;
  }
  return parsed;
}

TEST(RequestParser, ReadsARequest) {
  const auto parsed = parse("POST /a/b?x=1 HTTP/1.1\r\nHost: Example.COM:8080\r\nContent-Length: 5\r\nX-Two:  spaced out \t\r\n\r\nhello");
  ASSERT_EQ(parsed.state, State::Done);
  EXPECT_EQ(parsed.request.method, Method::Post);
  EXPECT_EQ(parsed.request.path, "/a/b");
  EXPECT_EQ(parsed.request.query, "x=1");
  EXPECT_EQ(parsed.request.target, "/a/b?x=1");
  EXPECT_EQ(parsed.request.authority, "example.com:8080");
  EXPECT_EQ(parsed.request.headers.get("x-two"), "spaced out");
  EXPECT_EQ(parsed.framing.content_length, 5u);
  EXPECT_TRUE(parsed.framing.keep_alive);
  EXPECT_FALSE(parsed.framing.chunked);
}

TEST(RequestParser, GivesTheSameByteByByte) {
  const std::string bytes = "\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, close\r\nTransfer-Encoding: chunked\r\n\r\n";
  Request request;
  RequestParser parser{HeadLimits{}};
  for (std::size_t size = 0; size < bytes.size(); ++size) ASSERT_EQ(parser.parse(bytes.substr(0, size), request), State::NeedMore) << size;
  ASSERT_EQ(parser.parse(bytes, request), State::Done);
  EXPECT_EQ(parser.consumed(), bytes.size());
  EXPECT_TRUE(parser.framing().chunked);
  EXPECT_FALSE(parser.framing().keep_alive);
  EXPECT_EQ(request.headers.size(), 3u);
}

TEST(RequestParser, Http10NeedsNoHostAndKeepsAliveOnlyWhenAsked) {
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").framing.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").framing.keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").framing.keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").framing.expect_continue);
}

TEST(RequestParser, AcceptsTheAsteriskForOptionsOnly) {
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").request.path, "*");
  EXPECT_EQ(parse("GET * HTTP/1.1\r\nHost: a\r\n\r\n").status, 400);
}

TEST(RequestParser, TakesAbsoluteFormAndConnectWhenEnabled) {
  HeadLimits limits;
  limits.allow_absolute_form = limits.allow_connect = true;
  const auto absolute = parse("GET http://Other:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n", limits);
  ASSERT_EQ(absolute.state, State::Done);
  EXPECT_EQ(absolute.request.authority, "other:81");
  EXPECT_EQ(absolute.request.path, "/p");
  EXPECT_EQ(parse("GET http://other HTTP/1.1\r\nHost: a\r\n\r\n", limits).request.path, "/");
  EXPECT_EQ(parse("CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n", limits).request.authority, "db:5432");
}

struct Bad {
  const char* bytes;
  int status;
  const char* reason;
};

class Malformed : public testing::TestWithParam<Bad> {};

TEST_P(Malformed, IsRefused) {
  // Each head stands before a body that would have been a request of its own.
  const auto parsed = parse(std::string(GetParam().bytes) + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(parsed.state, State::Failed);
  EXPECT_EQ(parsed.status, GetParam().status);
  EXPECT_EQ(parsed.reason, GetParam().reason);
}

#define H "Host: a\r\n"
INSTANTIATE_TEST_SUITE_P(
    Corpus, Malformed,
    testing::Values(
        // framing tricks
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "length_and_chunked"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, "length_and_chunked"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400, "many_content_lengths"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400, "many_content_lengths"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\n", 400, "bad_content_length"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\n", 400, "bad_content_length"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\n", 400, "bad_content_length"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\n", 400, "bad_content_length"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: 3 3\r\n\r\n", 400, "bad_content_length"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400, "bad_content_length"},
        Bad{"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n", 400, "bad_content_length"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 400, "transfer_encoding"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n", 400, "transfer_encoding"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 400, "transfer_encoding"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n", 400, "transfer_encoding"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", 400, "transfer_encoding"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 400, "transfer_encoding"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", 400, "transfer_encoding"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "transfer_encoding"},
        Bad{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b" "chunked\r\n\r\n", 400, "control_byte"},
        Bad{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "chunked_in_http_10"},
        // lines
        Bad{"GET / HTTP/1.1\nHost: a\n\n", 400, "bare_lf"},
        Bad{"GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "bare_lf"},
        Bad{"GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "bare_cr"},
        Bad{"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, "bare_cr"},
        Bad{"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400, "obs_fold"},
        Bad{"GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", 400, "obs_fold"},
        Bad{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "obs_fold"},
        // names and values
        Bad{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "bad_header_name"},
        Bad{"GET / HTTP/1.1\r\n" H "Content-Length : 3\r\n\r\n", 400, "bad_header_name"},
        Bad{"GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400, "bad_header_name"},
        Bad{"GET / HTTP/1.1\r\n" H "X(y): x\r\n\r\n", 400, "bad_header_name"},
        Bad{"GET / HTTP/1.1\r\n" H "X\xc3\xa4: x\r\n\r\n", 400, "bad_header_name"},
        Bad{"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 400, "bad_header_name"},
        Bad{"GET / HTTP/1.1\r\n" H "nocolon\r\n\r\n", 400, "bad_header"},
        Bad{"GET / HTTP/1.1\r\n" H "X_User_Id: 1\r\n\r\n", 400, "underscore_in_header"},
        Bad{"GET / HTTP/1.1\r\n" H "X: \x01\r\n\r\n", 400, "control_byte"},
        Bad{"GET / HTTP/1.1\r\n" H "X: a\x7f" "b\r\n\r\n", 400, "control_byte"},
        // the request line
        Bad{"GET  / HTTP/1.1\r\n" H "\r\n", 400, "bad_target"},
        Bad{"GET /  HTTP/1.1\r\n" H "\r\n", 400, "bad_target"},
        Bad{"GET /a b HTTP/1.1\r\n" H "\r\n", 400, "bad_target"},
        Bad{" GET / HTTP/1.1\r\n" H "\r\n", 400, "bad_request_line"},
        Bad{"GET\t/\tHTTP/1.1\r\n" H "\r\n", 400, "bad_request_line"},
        Bad{"GET /\r\n" H "\r\n", 400, "bad_request_line"},
        Bad{"GET / HTTP/1.1 \r\n" H "\r\n", 400, "bad_request_line"},
        Bad{"GET / http/1.1\r\n" H "\r\n", 400, "bad_request_line"},
        Bad{"GET / HTTP/1.1x\r\n" H "\r\n", 400, "bad_request_line"},
        Bad{"GET / HTTP/01.1\r\n" H "\r\n", 400, "bad_request_line"},
        Bad{"G(T / HTTP/1.1\r\n" H "\r\n", 400, "bad_request_line"},
        Bad{"GET / HTTP/2.0\r\n" H "\r\n", 505, "http_version"},
        Bad{"GET / HTTP/1.2\r\n" H "\r\n", 505, "http_version"},
        Bad{"GET / HTTP/0.9\r\n" H "\r\n", 505, "http_version"},
        Bad{"GET http://a/ HTTP/1.1\r\n" H "\r\n", 400, "absolute_form"},
        Bad{"GET a HTTP/1.1\r\n" H "\r\n", 400, "bad_target"},
        Bad{"CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 501, "connect_refused"},
        Bad{"INVALID CONNECTION PREFACE\r\n\r\n", 400, "not_http"},
        Bad{"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 400, "bad_request_line"},
        // hosts
        Bad{"GET / HTTP/1.1\r\n\r\n", 400, "missing_host"},
        Bad{"GET / HTTP/1.1\r\n" H H "\r\n", 400, "many_hosts"},
        Bad{"GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n", 400, "many_hosts"},
        Bad{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad_host"},
        Bad{"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "bad_host"},
        Bad{"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400, "bad_host"},
        Bad{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad_host"},
        Bad{"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400, "bad_host"},
        Bad{"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 400, "bad_host"},
        Bad{"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "bad_host"},
        Bad{"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "bad_host"},
        // paths
        Bad{"GET /a%00b HTTP/1.1\r\n" H "\r\n", 400, "encoded_slash"},
        Bad{"GET /a%2fb HTTP/1.1\r\n" H "\r\n", 400, "encoded_slash"},
        Bad{"GET /a%5Cb HTTP/1.1\r\n" H "\r\n", 400, "encoded_slash"},
        Bad{"GET /a\\b HTTP/1.1\r\n" H "\r\n", 400, "bad_target"},
        Bad{"GET /a#b HTTP/1.1\r\n" H "\r\n", 400, "bad_target"},
        Bad{"GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400, "bad_target"},
        Bad{"GET /% HTTP/1.1\r\n" H "\r\n", 400, "bad_escape"},
        Bad{"GET /%4 HTTP/1.1\r\n" H "\r\n", 400, "bad_escape"},
        Bad{"GET /%zz HTTP/1.1\r\n" H "\r\n", 400, "bad_escape"},
        Bad{"GET /../etc/passwd HTTP/1.1\r\n" H "\r\n", 400, "path_above_root"},
        Bad{"GET /a/%2e%2E/../b HTTP/1.1\r\n" H "\r\n", 400, "path_above_root"},
        Bad{"POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", 417, "expectation"}));
#undef H

TEST(RequestParser, RefusesANulByte) {
  const auto parsed = parse(std::string_view("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30));
  EXPECT_EQ(parsed.reason, "control_byte");
}

TEST(RequestParser, HasLimitsForLinesHeadAndCount) {
  EXPECT_EQ(parse("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n").status, 414);
  EXPECT_EQ(parse("GET /" + std::string(9000, 'a')).status, 414) << "before the line has ended";
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(9000, 'a')).status, 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) many += "X: y\r\n";
  EXPECT_EQ(parse(many + "\r\n").state, State::Done);
  EXPECT_EQ(parse(many + "X: y\r\n\r\n").reason, "too_many_headers");
  std::string large = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 5; ++i) large += "X: " + std::string(8000, 'v') + "\r\n";
  EXPECT_EQ(parse(large).reason, "head_too_large");
}

TEST(RequestParser, ALineOverBothLimitsFailsAlikeHoweverItIsCut) {
  HeadLimits limits;
  limits.max_line = 512;
  limits.max_head = 700;
  for (const std::size_t before : {0, 100, 300, 600}) {
    const std::string bytes = "GET / HTTP/1.1\r\nA: " + std::string(before / 2, 'a') + "\r\nB: " + std::string(before / 2, 'b') + "\r\nC: " + std::string(900, 'c') + "\r\n\r\n";
    Request request;
    RequestParser whole(limits);
    ASSERT_EQ(whole.parse(bytes, request), RequestParser::State::Failed);
    RequestParser cut(limits);
    Request other;
    auto state = RequestParser::State::NeedMore;
    for (std::size_t size = 0; state == RequestParser::State::NeedMore && size <= bytes.size(); ++size) state = cut.parse(std::string_view(bytes).substr(0, size), other);
    ASSERT_EQ(state, RequestParser::State::Failed);
    EXPECT_EQ(whole.error().reason, cut.error().reason) << before;
  }
}

TEST(RequestParser, AllowsUnderscoresWhenTold) {
  HeadLimits limits;
  limits.allow_underscores = true;
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nx_y: 1\r\n\r\n", limits).request.headers.get("x_y"), "1");
}

}  // namespace
}  // namespace yun::http::codec1
