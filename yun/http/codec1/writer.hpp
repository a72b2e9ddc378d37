#pragma once
// Heads of HTTP/1 messages, written into a buffer.

#include <cstdint>
#include <optional>
#include <string_view>

#include "yun/base/buffer.hpp"
#include "yun/base/units.hpp"
#include "yun/http/message.hpp"

namespace yun::http::codec1 {

/// The value of Date now, made anew each second; `now` is the loop's. Valid until the next call on this thread.
std::string_view date(TimePoint now);

/// What a head says of its body and of the connection. The message's own content-length, transfer-encoding, connection, keep-alive and
/// (in responses) date headers are not written: these say what really happens.
struct HeadFraming {
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  enum class Connection : std::uint8_t { Default, Close, KeepAlive, Upgrade } connection = Connection::Default;
};

/// "HTTP/1.1 200 OK" and the fields. A control byte in a value becomes a space: no handler can split a response.
void write_response_head(Buffer& out, const Response& response, const HeadFraming& framing, std::string_view date);
/// "GET /target HTTP/1.1", Host from `request.authority`, and the fields.
void write_request_head(Buffer& out, const Request& request, const HeadFraming& framing);

}  // namespace yun::http::codec1
