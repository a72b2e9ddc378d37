#include "yun/json/reader.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "yun/base/strings.hpp"

namespace yun::json {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

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

/// Where well-formed UTF-8 ends.
std::size_t first_bad_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (text.size() - at < size || !is_utf8(text.substr(at, size))) return at;
    at += size;
  }
  return at;
}

}  // namespace

Reader::Reader(std::string_view text, const ReadOptions& options)
    : options_(options), faults_(options.max_violations), begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {
  if (text.size() > options_.max_size) {
    syntax_error_ = resource_exhausted("JSON text is longer than " + std::to_string(options_.max_size) + " bytes").with_http_status(413);
    at_ = end_;
  } else if (!is_utf8(text)) {
    (void)fail(begin_ + first_bad_utf8(text), "not valid UTF-8");
  }
}

void Reader::skip_space() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

Reader::Kind Reader::peek() {
  skip_space();
  if (at_ == end_) return Kind::None;
  switch (*at_) {
    case 'n': return Kind::Null;
    case 't':
    case 'f': return Kind::Bool;
    case '"': return Kind::String;
    case '[': return Kind::Array;
    case '{': return Kind::Object;
    default: return *at_ == '-' || is_digit(*at_) ? Kind::Number : Kind::None;
  }
}

bool Reader::fail(const char* at, std::string what) {
  if (!syntax_error_) {
    const std::string_view before(begin_, static_cast<std::size_t>(at - begin_));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t newline = before.rfind('\n');
    const std::size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    syntax_error_ = invalid_argument("invalid JSON at byte " + std::to_string(before.size()) + " (line " + std::to_string(line) +
                                     ", column " + std::to_string(column) + "): " + what);
  }
  at_ = end_;
  return false;
}

bool Reader::expected(std::string_view what) {
  return fail(at_, (at_ == end_ ? "the text ends where " : "expected ") + std::string(what) + (at_ == end_ ? " was expected" : ""));
}

bool Reader::literal(std::string_view word) {
  if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
    at_ += word.size();
    return true;
  }
  return expected("a value");
}

bool Reader::mismatch(std::string_view detail) {
  const bool is_null = peek() == Kind::Null;
  skip();
  if (ok()) violation(is_null ? "must not be null" : std::string(detail));
  return false;
}

bool Reader::read_null() { return peek() == Kind::Null && literal("null"); }

bool Reader::read_bool(bool& value) {
  if (peek() != Kind::Bool) return mismatch("must be true or false");
  value = *at_ == 't';
  return literal(value ? "true" : "false");
}

bool Reader::read_signed(std::int64_t& value, std::int64_t lowest, std::int64_t highest) {
  if (peek() != Kind::Number) return mismatch("must be an integer");
  std::string_view text;
  bool is_integer = false;
  if (!scan_number(text, is_integer)) return false;
  if (!is_integer) {
    violation("must be an integer");
    return false;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < lowest || number > highest) {
    violation("must be an integer between " + std::to_string(lowest) + " and " + std::to_string(highest));
    return false;
  }
  value = number;
  return true;
}

bool Reader::read_unsigned(std::uint64_t& value, std::uint64_t highest) {
  if (peek() != Kind::Number) return mismatch("must be an integer");
  std::string_view text;
  bool is_integer = false;
  if (!scan_number(text, is_integer)) return false;
  if (!is_integer) {
    violation("must be an integer");
    return false;
  }
  if (text == "-0") text = "0";
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > highest) {
    violation("must be an integer between 0 and " + std::to_string(highest));
    return false;
  }
  value = number;
  return true;
}

bool Reader::read_double(double& value) {
  if (peek() != Kind::Number) return mismatch("must be a number");
  std::string_view text;
  bool is_integer = false;
  if (!scan_number(text, is_integer)) return false;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // from_chars says out of range for what is too small as well; strtod gives the nearest value.
  if (error == std::errc::result_out_of_range) number = std::strtod(std::string(text).c_str(), nullptr);
  if (!std::isfinite(number)) {
    violation("must be a number within the range of a double");
    return false;
  }
  value = number;
  return true;
}

bool Reader::read_string(std::string& value) {
  std::string_view view;
  if (!read_view(view)) return false;
  value.assign(view);
  return true;
}

bool Reader::read_view(std::string_view& value) {
  if (peek() != Kind::String) return mismatch("must be a string");
  return scan_string(value);
}

bool Reader::read_number(std::string_view& text, bool& is_integer) {
  if (peek() != Kind::Number) return mismatch("must be a number");
  return scan_number(text, is_integer);
}

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

bool Reader::enter() {
  if (++depth_ > options_.max_depth) return fail(at_, "nested deeper than " + std::to_string(options_.max_depth));
  ++at_;
  fresh_ = true;
  return true;
}

bool Reader::begin_array() { return peek() == Kind::Array ? enter() : mismatch("must be an array"); }

bool Reader::next_element() {
  if (!ok()) return false;
  skip_space();
  const bool first = std::exchange(fresh_, false);
  if (current() == ']' && at_ < end_) {
    ++at_;
    --depth_;
    return false;
  }
  if (first) return true;
  if (current() != ',') return expected("',' or ']'");
  ++at_;
  return peek() != Kind::None || expected("a value");
}

bool Reader::begin_object() { return peek() == Kind::Object ? enter() : mismatch("must be an object"); }

bool Reader::next_member(std::string_view& key) {
  if (!ok()) return false;
  skip_space();
  const bool first = std::exchange(fresh_, false);
  if (current() == '}' && at_ < end_) {
    ++at_;
    --depth_;
    return false;
  }
  if (!first) {
    if (current() != ',') return expected("',' or '}'");
    ++at_;
    skip_space();
  }
  if (current() != '"') return expected("a member's name in quotes");
  if (!scan_string(key)) return false;
  skip_space();
  if (current() != ':') return expected("':'");
  ++at_;
  return true;
}

std::string_view Reader::skip() {
  const Kind kind = peek();
  const char* const start = at_;
  std::string_view text;
  bool unused = false;
  switch (kind) {
    case Kind::None: (void)expected("a value"); break;
    case Kind::Null: (void)literal("null"); break;
    case Kind::Bool: (void)literal(*at_ == 't' ? "true" : "false"); break;
    case Kind::Number: (void)scan_number(text, unused); break;
    case Kind::String: (void)scan_string(text); break;
    case Kind::Array:
      if (!enter()) break;
      while (next_element()) skip();
      break;
    case Kind::Object:
      if (!enter()) break;
      while (next_member(text)) skip();
      break;
  }
  if (!ok()) return {};
  return {start, static_cast<std::size_t>(at_ - start)};
}

std::optional<std::string> Reader::look_up(std::string_view name) {
  if (peek() != Kind::Object) return std::nullopt;
  const char* const start = at_;
  const std::size_t depth = depth_;
  std::optional<std::string> found;
  std::string_view key;
  if (!enter()) return std::nullopt;
  while (next_member(key)) {
    if (key == name && peek() == Kind::String && !found) {
      std::string_view value;
      if (scan_string(value)) found = std::string(value);
    } else {
      skip();
    }
  }
  if (!ok()) return std::nullopt;
  at_ = start;
  depth_ = depth;
  fresh_ = false;
  return found;
}

Result<void> Reader::finish() {
  if (ok()) {
    skip_space();
    if (at_ != end_) (void)fail(at_, "more text after the value");
  }
  if (syntax_error_) return *syntax_error_;
  if (!faults_.empty()) return invalid_argument("the JSON document has invalid fields").with_violations(faults_.take());
  return {};
}

}  // namespace yun::json
