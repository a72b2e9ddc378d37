#pragma once
// Protobuf's wire format, written as it comes: what OTLP's messages are made of.
//
//     Writer span(out);
//     span.text(5, data.name);
//     span.message(15, [&] { span.number(3, 2); });

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "yun/rpc/wire.hpp"

namespace yun::telemetry::protobuf {

/// Appends to `out`, which outlives it.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  /// Any of the varint types; int64 as its two's complement.
  void number(std::uint32_t field, std::uint64_t value) { rpc::wire::put_number(out_, field, value); }
  void text(std::uint32_t field, std::string_view bytes) { rpc::wire::put_bytes(out_, field, bytes); }
  void fixed32(std::uint32_t field, std::uint32_t value) {
    rpc::wire::put_varint(out_, std::uint64_t{field} << 3 | 5);
    little_endian(value, 4);
  }
  void fixed64(std::uint32_t field, std::uint64_t value) {
    rpc::wire::put_varint(out_, std::uint64_t{field} << 3 | 1);
    little_endian(value, 8);
  }
  void real(std::uint32_t field, double value) { fixed64(field, std::bit_cast<std::uint64_t>(value)); }
  /// Inside of a packed field: eight bytes without their tag.
  void packed64(std::uint64_t value) { little_endian(value, 8); }
  /// `bytes` from the most significant byte on, as ids are written.
  static void big_endian(char* to, std::uint64_t value) {
    for (int i = 0; i < 8; ++i) to[i] = static_cast<char>(value >> (56 - 8 * i));
  }

  /// A message, or a packed field: what `fill()` appends. Its length is known after it; a byte is kept for it, which is enough for most.
  template <typename F>
  void message(std::uint32_t field, F fill) {
    rpc::wire::put_varint(out_, std::uint64_t{field} << 3 | 2);
    const std::size_t at = out_.size();
    out_ += '\0';
    fill();
    const std::size_t size = out_.size() - at - 1;
    if (size < 0x80) {
      out_[at] = static_cast<char>(size);
      return;
    }
    std::string length;
    rpc::wire::put_varint(length, size);
    out_.replace(at, 1, length);
  }

 private:
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(value >> (8 * i));
  }
  std::string& out_;
};

}  // namespace yun::telemetry::protobuf
