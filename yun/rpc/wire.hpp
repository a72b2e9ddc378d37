#pragma once
// Protobuf's wire format by hand, as far as the status and the transcoder need it. Sans-I/O.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "yun/base/protobuf_writer.hpp"

namespace yun::rpc::wire {

using yun::put_varint;
inline void put_number(std::string& out, std::uint32_t field, std::uint64_t value) {
  put_varint(out, std::uint64_t{field} << 3);
  put_varint(out, value);
}
inline void put_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  put_varint(out, std::uint64_t{field} << 3 | 2);
  put_varint(out, bytes.size());
  out += bytes;
}

/// Takes a number off the front; nullopt if it breaks off or is over ten bytes.
std::optional<std::uint64_t> take_varint(std::string_view& bytes);

/// Walks the fields of one message. Stops (ok() false) at the first byte that is malformed.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}
  struct Field {
    std::uint32_t number = 0;
    std::uint8_t type = 0;    ///< 0 a number, 1 eight bytes, 2 length-delimited, 5 four bytes
    std::uint64_t value = 0;  ///< of type 0
    std::string_view bytes;   ///< of the others
  };
  std::optional<Field> next();
  bool ok() const { return ok_; }

 private:
  std::optional<Field> fail() {
    ok_ = false;
    return std::nullopt;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace yun::rpc::wire
