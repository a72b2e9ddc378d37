#pragma once
// ProtobufWriter: protobuf's wire format, for the few messages that are written by hand (profiles, push protocols), where generated code would be a
// dependency of everything.
//
//     ProtobufWriter out;
//     out.integer(1, 7);
//     out.text(2, "name");
//     out.message(3, [&](ProtobufWriter& inner) { inner.integer(1, 42); });
//     std::string bytes = std::move(out).bytes();
//
// https://protobuf.dev/programming-guides/encoding/

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace yun {

class ProtobufWriter {
 public:
  /// int32, int64 (two's complement), uint32, uint64, bool, enum. A zero is written too: leave the call out where that matters.
  void integer(std::uint32_t field, std::uint64_t value) {
    tag(field, 0);
    varint(value);
  }
  /// fixed64, sfixed64.
  void fixed64(std::uint32_t field, std::uint64_t value) {
    tag(field, 1);
    for (int i = 0; i < 8; ++i) out_ += static_cast<char>(value >> (8 * i));
  }
  void real(std::uint32_t field, double value) { fixed64(field, std::bit_cast<std::uint64_t>(value)); }
  /// string, bytes.
  void text(std::uint32_t field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    out_ += value;
  }
  /// repeated, packed.
  void integers(std::uint32_t field, std::span<const std::uint64_t> values) {
    message(field, [values](ProtobufWriter& inner) {
      for (const std::uint64_t value : values) inner.varint(value);
    });
  }
  /// `write(ProtobufWriter&)` writes the fields of the message within.
  template <typename F>
  void message(std::uint32_t field, F write) {
    ProtobufWriter inner;
    write(inner);
    text(field, inner.out_);
  }

  const std::string& bytes() const& { return out_; }
  std::string bytes() && { return std::move(out_); }

 private:
  void tag(std::uint32_t field, std::uint32_t wire_type) { varint(std::uint64_t{field} << 3 | wire_type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  std::string out_;
};

}  // namespace yun
