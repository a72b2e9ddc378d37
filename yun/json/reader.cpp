#include "yun/json/reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "yun/base/strings.hpp"

namespace yun::json {
namespace {

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
  std::string_view text;
  if (!integer_text(text)) return false;
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
  std::string_view text;
  if (!integer_text(text)) return false;
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

bool Reader::integer_text(std::string_view& text) {
  if (peek() != Kind::Number) return mismatch("must be an integer");
  bool is_integer = false;
  if (!scan_number(text, is_integer)) return false;
  if (!is_integer) violation("must be an integer");
  return is_integer;
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
