#pragma once
// ProtobufWriter: protobuf's wire format, for the few messages that are written by hand (profiles, OTLP), where generated code would be a dependency of
// everything.
//
//     ProtobufWriter out(bytes);
//     out.integer(1, 7);
//     out.text(2, "name");
//     out.message(3, [&] { out.integer(1, 42); });
//
// https://protobuf.dev/programming-guides/encoding/

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace yun {

inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

class ProtobufWriter {
 public:
  /// Appends to `out`, which outlives it.
  explicit ProtobufWriter(std::string& out) : out_(out) {}

  /// int32, int64 (two's complement), uint32, uint64, bool, enum. A zero is written too: leave the call out where that matters.
  void integer(std::uint32_t field, std::uint64_t value) {
    tag(field, 0);
    put_varint(out_, value);
  }
  /// fixed32, sfixed32.
  void fixed32(std::uint32_t field, std::uint32_t value) {
    tag(field, 5);
    little_endian(value, 4);
  }
  /// fixed64, sfixed64.
  void fixed64(std::uint32_t field, std::uint64_t value) {
    tag(field, 1);
    little_endian(value, 8);
  }
  void real(std::uint32_t field, double value) { fixed64(field, std::bit_cast<std::uint64_t>(value)); }
  /// string, bytes.
  void text(std::uint32_t field, std::string_view value) {
    tag(field, 2);
    put_varint(out_, value.size());
    out_ += value;
  }
  /// repeated, packed.
  void integers(std::uint32_t field, std::span<const std::uint64_t> values) {
    message(field, [&] {
      for (const std::uint64_t value : values) put_varint(out_, value);
    });
  }
  void fixed64s(std::uint32_t field, std::span<const std::uint64_t> values) {
    message(field, [&] {
      for (const std::uint64_t value : values) little_endian(value, 8);
    });
  }
  void reals(std::uint32_t field, std::span<const double> values) {
    message(field, [&] {
      for (const double value : values) little_endian(std::bit_cast<std::uint64_t>(value), 8);
    });
  }
  /// A message of what `fill()` appends. Its length is known after it; a byte is kept for it, which is enough for most.
  template <typename F>
  void message(std::uint32_t field, F fill) {
    tag(field, 2);
    const std::size_t at = out_.size();
    out_ += '\0';
    fill();
    const std::size_t size = out_.size() - at - 1;
    if (size < 0x80) {
      out_[at] = static_cast<char>(size);
      return;
    }
    std::string length;
    put_varint(length, size);
    out_.replace(at, 1, length);
  }

 private:
  void tag(std::uint32_t field, std::uint32_t wire_type) { put_varint(out_, std::uint64_t{field} << 3 | wire_type); }
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(value >> (8 * i));
  }
  std::string& out_;
};

}  // namespace yun
