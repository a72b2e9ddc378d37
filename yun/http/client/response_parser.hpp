#pragma once
// The head of an HTTP/1 response and what it says of the body (RFC 9112 4, 6.3); no I/O.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "yun/base/result.hpp"
#include "yun/http/message.hpp"

namespace yun::http::client {

struct ResponseHead {
  int status = 0;
  Version version = Version::Http11;
  std::size_t size = 0;  ///< bytes of the head, 0 if it is not complete yet

  enum class BodyKind : std::uint8_t { None, Length, Chunked, UntilClose, Tunnel } body = BodyKind::None;
  std::uint64_t length = 0;  ///< of a body of kind Length
  bool keep_alive = false;
};

/// Reads one head, also of a 1xx; its fields become all that `headers` holds. `request_method` decides if a body follows. An incomplete head gives size 0
/// and no fields; a head past `limit` bytes or one that is ambiguous (two lengths, a length and a coding) is an Error with reason upstream_protocol: the
/// connection must close.
Result<ResponseHead> parse_response_head(std::string_view input, Method request_method, std::size_t limit, Headers& headers);

}  // namespace yun::http::client
