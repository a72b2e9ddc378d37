#include "yun/telemetry/logs/msgpack.hpp"

#include <bit>

namespace yun::telemetry::logs {

void MsgpackWriter::big_endian(std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) byte(static_cast<unsigned>(value >> (8 * i)) & 0xff);
}

void MsgpackWriter::head(std::uint32_t size, unsigned short_head, std::uint32_t short_below, unsigned wide) {
  if (size < short_below) return byte(short_head | size);
  const bool narrow = size <= 0xffff;
  byte(narrow ? wide : wide + 1);
  big_endian(size, narrow ? 2 : 4);
}

void MsgpackWriter::unsigned_integer(std::uint64_t value) {
  if (value < 0x80) return byte(static_cast<unsigned>(value));
  const int log = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffff'ffff ? 2 : 3;
  byte(0xcc + static_cast<unsigned>(log));
  big_endian(value, 1 << log);
}

void MsgpackWriter::integer(std::int64_t value) {
  if (value >= 0) return unsigned_integer(static_cast<std::uint64_t>(value));
  if (value >= -32) return byte(static_cast<unsigned>(value) & 0xff);
  const int log = value >= INT8_MIN ? 0 : value >= INT16_MIN ? 1 : value >= INT32_MIN ? 2 : 3;
  byte(0xd0 + static_cast<unsigned>(log));
  big_endian(static_cast<std::uint64_t>(value), 1 << log);
}

void MsgpackWriter::real(double value) {
  byte(0xcb);
  big_endian(std::bit_cast<std::uint64_t>(value), 8);
}

void MsgpackWriter::text(std::string_view value) {
  if (value.size() >= 32 && value.size() <= 0xff) {
    byte(0xd9);
    byte(static_cast<unsigned>(value.size()));
  } else {
    head(static_cast<std::uint32_t>(value.size()), 0xa0, 32, 0xda);
  }
  out_ += value;
}

void MsgpackWriter::extension8(std::uint8_t type, std::uint64_t bytes) {
  byte(0xd7);
  byte(type);
  big_endian(bytes, 8);
}

void MsgpackWriter::value(const json::Value& value) {
  switch (value.type()) {
    case json::Type::Null: return nil();
    case json::Type::Bool: return boolean(*value.as_bool());
    case json::Type::Int: return integer(*value.as_int());
    case json::Type::Uint: return unsigned_integer(*value.as_uint());
    case json::Type::Double: return real(*value.as_double());
    case json::Type::String: return text(*value.as_string());
    case json::Type::Array:
      array(static_cast<std::uint32_t>(value.size()));
      for (const json::Value& item : *value.as_array()) this->value(item);
      return;
    case json::Type::Object:
      map(static_cast<std::uint32_t>(value.size()));
      for (const json::Member& member : *value.as_object()) {
        text(member.name);
        this->value(member.value);
      }
  }
}

}  // namespace yun::telemetry::logs
