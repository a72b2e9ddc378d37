// The grammar of strings and numbers (RFC 8259 6 and 7), eight characters at a time where nothing is escaped.
#include <bit>
#include <cstring>

#include "yun/base/strings.hpp"
#include "yun/json/reader.hpp"

namespace yun::json {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ull;
constexpr std::uint64_t kHighs = 0x8080808080808080ull;

static_assert(std::endian::native == std::endian::little, "words of text are looked at from their lowest byte");

/// The first quote, backslash or control character.
const char* find_special(const char* at, const char* end) {
  while (end - at >= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t backslash = word ^ (kOnes * '\\');
    const std::uint64_t hit =
        (((word - kOnes * 0x20) & ~word) | ((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash)) & kHighs;
    // Borrows run upwards only, so the lowest hit is a true one.
    if (hit != 0) return at + std::countr_zero(hit) / 8;
    at += 8;
  }
  while (at < end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

}  // namespace

bool Reader::scan_number(std::string_view& text, bool& is_integer) {
  const char* const start = at_;
  is_integer = true;
  if (current() == '-') ++at_;
  if (!is_digit(current())) return expected("a digit");
  if (current() == '0') {
    ++at_;
    if (is_digit(current())) return fail(at_ - 1, "a number may not begin with a needless zero");
  } else {
    while (is_digit(current())) ++at_;
  }
  if (current() == '.') {
    is_integer = false;
    ++at_;
    if (!is_digit(current())) return expected("a digit");
    while (is_digit(current())) ++at_;
  }
  if (current() == 'e' || current() == 'E') {
    is_integer = false;
    ++at_;
    if (current() == '+' || current() == '-') ++at_;
    if (!is_digit(current())) return expected("a digit");
    while (is_digit(current())) ++at_;
  }
  text = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

bool Reader::scan_string(std::string_view& value) {
  const char* start = at_ + 1;
  const char* special = find_special(start, end_);
  if (special < end_ && *special == '"') {
    value = {start, static_cast<std::size_t>(special - start)};
    at_ = special + 1;
    return true;
  }
  scratch_.clear();
  for (;;) {
    scratch_.append(start, special);
    if (special == end_) return fail(end_, "the text ends inside a string");
    if (*special == '"') {
      value = scratch_;
      at_ = special + 1;
      return true;
    }
    if (*special != '\\') return fail(special, "a control character in a string must be escaped");
    if (!scan_escape(special)) return false;
    start = special;
    special = find_special(start, end_);
  }
}

bool Reader::scan_escape(const char*& at) {
  const char* const backslash = at;
  if (end_ - at < 2) return fail(end_, "the text ends inside a string");
  at += 2;
  switch (backslash[1]) {
    case '"':
    case '\\':
    case '/': scratch_ += backslash[1]; return true;
    case 'b': scratch_ += '\b'; return true;
    case 'f': scratch_ += '\f'; return true;
    case 'n': scratch_ += '\n'; return true;
    case 'r': scratch_ += '\r'; return true;
    case 't': scratch_ += '\t'; return true;
    case 'u': break;
    default: return fail(backslash, "unknown escape in a string");
  }
  std::uint32_t unit = 0;
  if (!scan_hex(at, unit)) return fail(backslash, "\\u needs four hexadecimal digits");
  at += 4;
  if (unit >= 0xdc00 && unit <= 0xdfff) return fail(backslash, "a low surrogate without its high one");
  if (unit >= 0xd800 && unit <= 0xdbff) {
    std::uint32_t low = 0;
    if (end_ - at < 6 || at[0] != '\\' || at[1] != 'u' || !scan_hex(at + 2, low) || low < 0xdc00 || low > 0xdfff)
      return fail(backslash, "a high surrogate without its low one");
    at += 6;
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(scratch_, unit);
  return true;
}

bool Reader::scan_hex(const char* at, std::uint32_t& unit) {
  if (end_ - at < 4) return false;
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = to_lower(at[i]);
    if (!is_digit(c) && !(c >= 'a' && c <= 'f')) return false;
    unit = unit * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
  }
  return true;
}

}  // namespace yun::json
