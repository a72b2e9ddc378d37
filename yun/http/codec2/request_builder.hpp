#pragma once
// RequestBuilder: HTTP/2 header fields in, a Request out, with the rules of HTTP/1 (RFC 9113 8.3): what comes in over HTTP/2 must be
// fit to go on over HTTP/1. No I/O; order and doubles are the session's to check, the rest is checked here.

#include <cstdint>
#include <optional>
#include <string_view>

#include "yun/http/codec1/request_parser.hpp"
#include "yun/http/message.hpp"

namespace yun::http::codec2 {

class RequestBuilder {
 public:
  explicit RequestBuilder(const codec1::HeadLimits& limits) : limits_(limits) {}

  /// One field; the first fault is kept and told by finish(). `checked`: it is well-formed (field_check.hpp), and not of `into`.
  void add(std::string_view name, std::string_view value, Request& into, bool checked = false);
  /// All fields are there. Null, or what is wrong.
  const codec1::ParseError* finish(Request& into);
  std::optional<std::uint64_t> content_length() const { return content_length_; }
  bool expect_continue() const { return expect_continue_; }
  /// CONNECT with :protocol websocket (RFC 8441). `into` is what HTTP/1.1 would have sent: GET, upgrade: websocket, connection: upgrade, but no key.
  bool is_extended_connect() const { return websocket_; }
  void reset() { *this = RequestBuilder(limits_); }

 private:
  const codec1::ParseError* pseudo(std::string_view name, std::string_view value, Request& into);
  const codec1::ParseError* field(std::string_view name, std::string_view value, Request& into, bool checked);
  const codec1::ParseError* host(std::string_view value, Request& into);
  bool append_cookie(std::string_view value, Request& into);

  codec1::HeadLimits limits_;
  const codec1::ParseError* error_ = nullptr;
  std::size_t bytes_ = 0;
  bool has_path_ = false;
  bool has_host_ = false;
  bool websocket_ = false;
  std::optional<std::uint64_t> content_length_;
  bool expect_continue_ = false;
};

}  // namespace yun::http::codec2
