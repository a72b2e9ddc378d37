#pragma once
// RequestParser: bytes of an HTTP/1 request head in, a Request and its framing out (RFC 9112). No I/O; strict: what two programs could
// read in two ways is refused.
//
//     switch (parser.parse(buffer.view(), request)) {
//       case State::NeedMore: read more and call again with the same bytes and more
//       case State::Done:     buffer.consume(parser.consumed()); body as parser.framing() says
//       case State::Failed:   answer parser.error() and close

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "yun/http/codec1/text.hpp"
#include "yun/http/message.hpp"

namespace yun::http::codec1 {

struct HeadLimits {
  std::size_t max_head = 32 << 10;    ///< bytes of a head with its line ends; more is 431
  std::size_t max_line = 8 << 10;     ///< bytes of one line; a longer request line is 414, a longer header 431
  std::size_t max_headers = 100;      ///< more is 431
  bool allow_underscores = false;     ///< in header names; programs behind CGI-like gateways cannot tell '_' from '-'
  bool allow_absolute_form = false;   ///< "GET http://host/path": for forward proxies
  bool allow_connect = false;         ///< CONNECT host:port: for tunnels
};

/// How a request goes on behind its head, and what becomes of the connection.
struct Framing {
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  bool keep_alive = true;
  bool expect_continue = false;
  bool upgrade = false;  ///< "connection: upgrade"
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

class RequestParser {
 public:
  enum class State : std::uint8_t { NeedMore, Done, Failed };

  explicit RequestParser(const HeadLimits& limits) : limits_(limits) {}

  /// `bytes` begins where the head does, at each call with the same bytes and perhaps more. Fills method, version, authority, target, path,
  /// query and headers of `into`, which must have been cleared before the first call of a head.
  State parse(std::string_view bytes, Request& into);
  /// After Done: bytes of the head.
  std::size_t consumed() const { return at_; }
  /// After Done.
  const Framing& framing() const { return framing_; }
  /// After Failed.
  const ParseError& error() const { return *error_; }
  /// True once any byte of a head was seen.
  bool started() const { return at_ > 0 || scanned_ > 0; }
  /// Ready for the next head.
  void reset();

 private:
  State fail(const ParseError& error);
  const ParseError* parse_request_line(std::string_view line, Request& into);
  const ParseError* parse_target(std::string_view target, Request& into);
  const ParseError* note_field(Headers::Field field);
  void note_connection(std::string_view value);
  const ParseError* finish(Request& into);

  HeadLimits limits_;
  Framing framing_;
  const ParseError* error_ = nullptr;
  std::size_t at_ = 0;
  std::size_t scanned_ = 0;
  bool in_fields_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  bool absolute_ = false;
  std::uint8_t hosts_ = 0;
  std::uint8_t lengths_ = 0;
  std::uint8_t codings_ = 0;
};

/// A request that keeps its memory and forgets its content.
void clear(Request& request);
void clear(Response& response);

}  // namespace yun::http::codec1
