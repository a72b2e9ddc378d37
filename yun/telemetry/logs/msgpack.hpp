#pragma once
// MessagePack, as far as Fluentd's forward protocol needs it: written from JSON values, in the shortest form.
//
// https://github.com/msgpack/msgpack/blob/master/spec.md

#include <cstdint>
#include <string>
#include <string_view>

#include "yun/json/value.hpp"

namespace yun::telemetry::logs {

class MsgpackWriter {
 public:
  explicit MsgpackWriter(std::string& out) : out_(out) {}

  void nil() { byte(0xc0); }
  void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void real(double value);
  void text(std::string_view value);
  /// `size` values follow; of a map twice as many.
  void array(std::uint32_t size) { head(size, 0x90, 16, 0xdc); }
  void map(std::uint32_t size) { head(size, 0x80, 16, 0xde); }
  /// Extension of eight bytes (fixext 8).
  void extension8(std::uint8_t type, std::uint64_t bytes);
  void value(const json::Value& value);

 private:
  void byte(unsigned value) { out_ += static_cast<char>(value); }
  void big_endian(std::uint64_t value, int bytes);
  /// A short head below `short_below`, else `wide` (16 bits) or `wide` + 1 (32 bits).
  void head(std::uint32_t size, unsigned short_head, std::uint32_t short_below, unsigned wide);
  std::string& out_;
};

}  // namespace yun::telemetry::logs
