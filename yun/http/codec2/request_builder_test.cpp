#include "yun/http/codec2/request_builder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace yun::http::codec2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Built {
  Request request;
  std::string reason;
  int status = 0;
};

Built build(const Fields& fields) {
  Built built;
  RequestBuilder builder{codec1::HeadLimits{}};
  for (const auto& [name, value] : fields) builder.add(name, value, built.request);
  if (const auto* error = builder.finish(built.request)) {
    built.reason = error->reason;
    built.status = error->status;
  }
  return built;
}

Fields with(Fields more) {
  Fields fields = {{":method", "GET"}, {":scheme", "http"}, {":path", "/a/./b?q"}, {":authority", "Host:1"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

TEST(RequestBuilder, MakesTheSameRequestAsHttp1) {
  const Built built = build(with({{"x", "y"}, {"cookie", "a=1"}, {"cookie", "b=2"}, {"host", "host:1"}, {"te", "trailers"}}));
  EXPECT_EQ(built.reason, "");
  EXPECT_EQ(built.request.method, Method::Get);
  EXPECT_EQ(built.request.path, "/a/b");
  EXPECT_EQ(built.request.query, "q");
  EXPECT_EQ(built.request.authority, "host:1");
  EXPECT_EQ(built.request.headers.get("cookie"), "a=1; b=2");
}

TEST(RequestBuilder, AnExtendedConnectIsTheGetThatHttp1WouldHaveSent) {
  Fields fields = {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":path", "/chat"}, {":authority", "host"}, {"sec-websocket-version", "13"}};
  const Built built = build(fields);
  EXPECT_EQ(built.reason, "");
  EXPECT_EQ(built.request.method, Method::Get);
  EXPECT_EQ(built.request.method_text, "GET");
  EXPECT_EQ(built.request.path, "/chat");
  EXPECT_EQ(built.request.headers.get("upgrade"), "websocket");
  fields[1].second = "connect-udp";
  EXPECT_EQ(build(fields).reason, "connect_refused");
  fields[1].second = "websocket";
  fields[0].second = "POST";
  EXPECT_EQ(build(fields).reason, "bad_pseudo_header");
  EXPECT_EQ(build({{":method", "CONNECT"}, {":authority", "host"}}).reason, "connect_refused");
}

TEST(RequestBuilder, RefusesWhatCouldNotGoOnOverHttp1) {
  const std::vector<std::pair<Fields, std::string>> cases = {
      {with({{"transfer-encoding", "chunked"}}), "connection_header"},
      {with({{"connection", "close"}}), "connection_header"},
      {with({{"upgrade", "h2c"}}), "connection_header"},
      {with({{"te", "gzip"}}), "connection_header"},
      {with({{"content-length", "5, 5"}}), "bad_content_length"},
      {with({{"content-length", "5"}, {"content-length", "5"}}), "bad_content_length"},
      {with({{"content-length", "+5"}}), "bad_content_length"},
      {with({{"host", "other"}}), "many_hosts"},
      {with({{"host", "host:1"}, {"host", "host:1"}}), "many_hosts"},
      {with({{"x_y", "1"}}), "underscore_in_header"},
      {with({{"X", "1"}}), "bad_header_name"},
      {with({{"x y", "1"}}), "bad_header_name"},
      {with({{"x", "a\r\nb: c"}}), "control_byte"},
      {with({{":protocol", "websocket"}}), "bad_pseudo_header"},
      {with({{"expect", "more"}}), "expectation"},
      {{{":method", "GET"}, {":scheme", "http"}, {":path", "/a%2fb"}, {":authority", "h"}}, "encoded_slash"},
      {{{":method", "GET"}, {":scheme", "http"}, {":path", "/a b"}, {":authority", "h"}}, "bad_target"},
      {{{":method", "GET"}, {":scheme", "http"}, {":path", "/../a"}, {":authority", "h"}}, "path_above_root"},
      {{{":method", "GET"}, {":scheme", "http"}, {":path", "http://x/"}, {":authority", "h"}}, "bad_target"},
      {{{":method", "GET"}, {":scheme", "http"}, {":path", "*"}, {":authority", "h"}}, "bad_pseudo_header"},
      {{{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "h"}}, "bad_scheme"},
      {{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}, "missing_host"},
      {{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "u@h"}}, "bad_host"},
      {{{":method", "G T"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}}, "bad_request_line"},
      {{{":method", "CONNECT"}, {":authority", "h:1"}}, "connect_refused"},
      {with({{"x", std::string(9000, 'v')}}), "header_too_large"},
  };
  for (const auto& [fields, reason] : cases) EXPECT_EQ(build(fields).reason, reason) << fields.back().first << ": " << fields.back().second.substr(0, 40);
}

TEST(RequestBuilder, CountsHeaders) {
  Fields many = with({});
  for (int i = 0; i < 101; ++i) many.emplace_back("x", "y");
  EXPECT_EQ(build(many).reason, "too_many_headers");
  EXPECT_EQ(build(many).status, 431);
}

}  // namespace
}  // namespace yun::http::codec2
