#include "yun/rpc/wire.hpp"

namespace yun::rpc::wire {

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (shift < 64) value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<Fields::Field> Fields::next() {
  if (!ok_ || rest_.empty()) return std::nullopt;
  const auto tag = take_varint(rest_);
  if (!tag || *tag >> 3 == 0 || *tag >> 32 != 0) return fail();
  Field field;
  field.number = static_cast<std::uint32_t>(*tag >> 3);
  field.type = static_cast<std::uint8_t>(*tag & 7);
  std::size_t size = 0;
  switch (*tag & 7) {
    case 0: {
      const auto value = take_varint(rest_);
      if (!value) return fail();
      field.value = *value;
      return field;
    }
    case 1: size = 8; break;
    case 2: {
      const auto length = take_varint(rest_);
      if (!length || *length > rest_.size()) return fail();
      size = static_cast<std::size_t>(*length);
      break;
    }
    case 5: size = 4; break;
    default: return fail();  // groups are not used here
  }
  if (size > rest_.size()) return fail();
  field.bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return field;
}

}  // namespace yun::rpc::wire
