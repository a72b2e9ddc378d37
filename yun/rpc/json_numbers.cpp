#include "yun/rpc/json_numbers.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "yun/rpc/wire.hpp"

namespace yun::rpc {
namespace {

void put_fixed(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
}

std::uint64_t zigzag(std::int64_t value) { return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63); }

unsigned wire_type(FieldKind kind) {
  switch (kind) {
    case FieldKind::Fixed32:
    case FieldKind::Sfixed32:
    case FieldKind::Float: return 5;
    case FieldKind::Fixed64:
    case FieldKind::Sfixed64:
    case FieldKind::Double: return 1;
    case FieldKind::String:
    case FieldKind::Bytes:
    case FieldKind::Message: return 2;
    default: return 0;
  }
}

/// A JSON number that is a whole one, also as "1.0" or "1e2"; nullopt if it is none or out of range.
template <typename I>
std::optional<I> whole(std::string_view text) {
  I number{};
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  if (parsed.ec == std::errc::result_out_of_range && text.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
  double real = 0;
  const auto as_real = std::from_chars(text.data(), end, real);
  if (as_real.ec != std::errc() || as_real.ptr != end || real != std::trunc(real)) return std::nullopt;
  // Beyond 2^53 a double does not say which integer was meant.
  if (std::fabs(real) > 9'007'199'254'740'992.0) return std::nullopt;
  if (real < static_cast<double>(std::numeric_limits<I>::min()) || real > static_cast<double>(std::numeric_limits<I>::max())) return std::nullopt;
  return static_cast<I>(real);
}

template <typename I>
std::string range() {
  return "must be an integer between " + std::to_string(std::numeric_limits<I>::min()) + " and " + std::to_string(std::numeric_limits<I>::max());
}

template <typename I, typename F>
bool put(std::string& out, const FieldType& field, std::string_view text, F encode) {
  const auto given = whole<I>(text);
  if (!given) return false;
  put_tag(out, field);
  switch (wire_type(field.kind)) {
    case 5: put_fixed(out, encode(*given), 4); break;
    case 1: put_fixed(out, encode(*given), 8); break;
    default: wire::put_varint(out, encode(*given)); break;
  }
  return true;
}

}  // namespace

void put_tag(std::string& out, const FieldType& field) { wire::put_varint(out, std::uint64_t{field.number} << 3 | wire_type(field.kind)); }

bool put_integer(std::string& out, const FieldType& field, std::string_view text) {
  switch (field.kind) {
    case FieldKind::Int32: return put<std::int32_t>(out, field, text, [](std::int32_t n) { return static_cast<std::uint64_t>(std::int64_t{n}); });
    case FieldKind::Sint32: return put<std::int32_t>(out, field, text, [](std::int32_t n) { return zigzag(n); });
    case FieldKind::Sfixed32: return put<std::int32_t>(out, field, text, [](std::int32_t n) { return static_cast<std::uint64_t>(static_cast<std::uint32_t>(n)); });
    case FieldKind::Uint32:
    case FieldKind::Fixed32: return put<std::uint32_t>(out, field, text, [](std::uint32_t n) { return std::uint64_t{n}; });
    case FieldKind::Int64:
    case FieldKind::Sfixed64: return put<std::int64_t>(out, field, text, [](std::int64_t n) { return static_cast<std::uint64_t>(n); });
    case FieldKind::Sint64: return put<std::int64_t>(out, field, text, [](std::int64_t n) { return zigzag(n); });
    default: return put<std::uint64_t>(out, field, text, [](std::uint64_t n) { return n; });
  }
}

std::string integer_rule(FieldKind kind) {
  switch (kind) {
    case FieldKind::Int32:
    case FieldKind::Sint32:
    case FieldKind::Sfixed32: return range<std::int32_t>();
    case FieldKind::Uint32:
    case FieldKind::Fixed32: return range<std::uint32_t>();
    case FieldKind::Uint64:
    case FieldKind::Fixed64: return range<std::uint64_t>();
    default: return range<std::int64_t>();
  }
}

bool put_floating(std::string& out, const FieldType& field, double value) {
  if (field.kind == FieldKind::Double) {
    put_tag(out, field);
    put_fixed(out, std::bit_cast<std::uint64_t>(value), 8);
    return true;
  }
  if (std::isfinite(value) && std::fabs(value) > std::numeric_limits<float>::max()) return false;
  put_tag(out, field);
  put_fixed(out, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
  return true;
}

}  // namespace yun::rpc
