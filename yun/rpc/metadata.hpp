#pragma once
// Metadata: the header fields of a call, in order, and grpc-timeout. Names are lower-case; names that end in "-bin" carry bytes.

#include <optional>
#include <string>
#include <string_view>

#include "yun/base/units.hpp"
#include "yun/http/message.hpp"

namespace yun::rpc {

/// Custom metadata of a call or an answer, as it goes on the wire (a "-bin" value is base64 there; get() and add() convert).
class Metadata {
 public:
  /// The first value of that (lower-case) name; bytes for "-bin". nullopt if absent or not base64.
  std::optional<std::string> get(std::string_view name) const;
  /// Every value of that name, in order.
  std::vector<std::string> all(std::string_view name) const;
  /// InvalidArgument for a reserved name (":...", "grpc-...", "te", "content-type", ...), for characters outside [0-9a-z_.-], and for a text
  /// value that is not printable ASCII. The name is lower-cased.
  Result<void> add(std::string_view name, std::string_view value);
  bool empty() const { return fields_.empty(); }
  std::size_t size() const { return fields_.size(); }
  void clear() { fields_.clear(); }

  /// As header fields.
  const http::Headers& fields() const { return fields_; }
  /// The custom part of what came in: everything but pseudo headers, grpc-* and what HTTP itself uses.
  static Metadata from(const http::Headers& headers);
  void append_to(http::Headers& headers) const;

 private:
  http::Headers fields_;
};

/// True for a name that the protocol keeps for itself, which no custom metadata may have.
bool is_reserved(std::string_view name);

/// grpc-timeout: 1 to 8 digits and a unit H M S m u n. nullopt if malformed; too long for a Duration becomes Duration::max().
std::optional<Duration> parse_timeout(std::string_view text);
/// The finest unit that fits in 8 digits, rounded up, so that the far side never gives up first by rounding. Not positive gives "0n".
std::string format_timeout(Duration timeout);

/// grpc-message: every byte outside 0x20..0x7e, and '%', as %XX.
std::string encode_message(std::string_view message);
/// Wrong escapes stay as they are.
std::string decode_message(std::string_view text);

}  // namespace yun::rpc
