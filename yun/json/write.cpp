#include "yun/json/write.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "yun/base/strings.hpp"

namespace yun::json::detail {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ull;
constexpr std::uint64_t kHighs = 0x8080808080808080ull;

/// Marks the bytes, of eight, that are a quote, a backslash, below 0x20 or above 0x7f; the lowest mark is a true one.
std::uint64_t needs_care(std::uint64_t word) {
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t backslash = word ^ (kOnes * '\\');
  return ((word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | word) & kHighs;
}

/// How many bytes at the front need neither an escape nor a check.
std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
  for (; text.size() - at >= 8; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (const std::uint64_t marks = needs_care(word); marks != 0) return at + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
  }
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c > 0x7f || c == '"' || c == '\\') break;
  }
  return at;
}

void write_escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    default: {
      constexpr std::string_view kHex = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      const char escape[6] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
      out.append(escape, sizeof escape);
    }
  }
}

/// The bytes of the UTF-8 character at the front, 0 if there is none.
std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  return text.size() >= size && is_utf8(text.substr(0, size)) ? size : 0;
}

template <typename T>
void write_number(std::string& out, T value) {
  char digits[32];
  const auto result = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, static_cast<std::size_t>(result.ptr - digits));
}

template <typename T>
void write_floating(std::string& out, T value) {
  if (!std::isfinite(value)) {
    out += "null";
  } else if (std::fabs(value) < 1e15 && value == std::trunc(value) && !(value == 0 && std::signbit(value))) {
    write_number(out, static_cast<std::int64_t>(value));  // 100000, not 1e+05
  } else {
    write_number(out, value);
  }
}

}  // namespace

void write_string(std::string& out, std::string_view text) {
  out += '"';
  write_escaped(out, text);
  out += '"';
}

void write_escaped(std::string& out, std::string_view text) {
  for (;;) {
    const std::size_t plain = plain_prefix(text);
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      write_escape(out, text.front());
      text.remove_prefix(1);
      continue;
    }
    // A run of characters beyond ASCII, as one append when it is well-formed.
    std::size_t run = 0;
    while (run < text.size() && static_cast<unsigned char>(text[run]) >= 0x80) ++run;
    if (is_utf8(text.substr(0, run))) {
      out.append(text.data(), run);
      text.remove_prefix(run);
      continue;
    }
    while (run > 0) {
      const std::size_t size = character_size(text.substr(0, run));
      if (size > 0)
        out.append(text.data(), size);
      else
        out += "\xef\xbf\xbd";
      text.remove_prefix(size > 0 ? size : 1);
      run -= size > 0 ? size : 1;
    }
  }
}

void write_signed(std::string& out, std::int64_t value) { write_number(out, value); }
void write_unsigned(std::string& out, std::uint64_t value) { write_number(out, value); }
void write_double(std::string& out, double value) { write_floating(out, value); }
void write_float(std::string& out, float value) { write_floating(out, value); }

void write_enum(std::string& out, const reflect::EnumTable& table, std::int64_t value) {
  const std::string_view name = table.name(value);
  if (name.empty())
    write_signed(out, value);  // an enumerator without a name: nothing better is known
  else
    write_string(out, name);
}

}  // namespace yun::json::detail
