#pragma once
// Protobuf's wire format by hand, as far as the few messages of a status need it. Sans-I/O.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yun::rpc::wire {

inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}
inline void put_number(std::string& out, std::uint32_t field, std::uint64_t value) {
  put_varint(out, std::uint64_t{field} << 3);
  put_varint(out, value);
}
inline void put_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  put_varint(out, std::uint64_t{field} << 3 | 2);
  put_varint(out, bytes.size());
  out += bytes;
}

/// Walks the fields of one message. Stops (ok() false) at the first byte that is malformed.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}
  struct Field {
    std::uint32_t number = 0;
    std::uint64_t value = 0;  ///< of a number
    std::string_view bytes;   ///< of a length-delimited field
  };
  std::optional<Field> next();
  bool ok() const { return ok_; }

 private:
  std::optional<std::uint64_t> varint();
  std::optional<Field> fail() {
    ok_ = false;
    return std::nullopt;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace yun::rpc::wire
