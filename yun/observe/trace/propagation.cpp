#include "yun/observe/trace/propagation.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "yun/base/strings.hpp"

namespace yun::observe::trace {
namespace {

/// Lower-case hex digits, all of them; at most 16.
std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9')
      value = value << 4 | static_cast<std::uint64_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value << 4 | static_cast<std::uint64_t>(c - 'a' + 10);
    else
      return std::nullopt;
  }
  return value;
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// One part of a key: begins with a letter or digit.
bool is_state_name(std::string_view name, std::size_t longest) {
  if (name.empty() || name.size() > longest || !is_lower_or_digit(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_lower_or_digit(c) || c == '_' || c == '-' || c == '*' || c == '/'; });
}

/// "vendor" or "tenant@vendor".
bool is_state_key(std::string_view key) {
  const std::size_t at = key.find('@');
  if (at == std::string_view::npos) return is_state_name(key, 256);
  return is_state_name(key.substr(0, at), 241) && is_state_name(key.substr(at + 1), 14);
}

bool is_state_value(std::string_view value) {
  if (value.empty() || value.size() > 256) return false;
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

}  // namespace

std::optional<SpanContext> parse_traceparent(std::string_view text) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = parse_hex(text.substr(0, 2));
  const auto high = parse_hex(text.substr(3, 16));
  const auto low = parse_hex(text.substr(19, 16));
  const auto span = parse_hex(text.substr(36, 16));
  const auto flags = parse_hex(text.substr(53, 2));
  if (!version || !high || !low || !span || !flags || *version == 0xff) return std::nullopt;
  if (text.size() > 55 && (*version == 0 || text[55] != '-')) return std::nullopt;
  const SpanContext trace{*high, *low, *span, (*flags & 1) != 0};
  if (!trace.valid()) return std::nullopt;
  return trace;
}

void write_traceparent(const SpanContext& trace, char* to) {
  std::memcpy(to, "00-", 3);
  to = write_hex(to + 3, trace.trace_high);
  to = write_hex(to, trace.trace_low);
  *to++ = '-';
  to = write_hex(to, trace.span);
  std::memcpy(to, trace.sampled ? "-01" : "-00", 3);
}

std::string format_traceparent(const SpanContext& trace) {
  std::string text(kTraceparentSize, '0');
  write_traceparent(trace, text.data());
  return text;
}

std::string_view check_tracestate(std::string_view text) {
  if (text.size() > 512) return {};
  std::array<std::string_view, 32> keys;
  std::size_t members = 0;
  for (const std::string_view member : split(text, ',')) {
    if (member.empty()) continue;  // allowed, counts for nothing
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos || members == keys.size()) return {};
    const std::string_view key = member.substr(0, equals);
    if (!is_state_key(key) || !is_state_value(member.substr(equals + 1))) return {};
    if (std::find(keys.begin(), keys.begin() + members, key) != keys.begin() + members) return {};
    keys[members++] = key;
  }
  return members ? text : std::string_view();
}

std::string trace_id(const SpanContext& trace) {
  std::string text(32, '0');
  write_hex(write_hex(text.data(), trace.trace_high), trace.trace_low);
  return text;
}

std::string span_id(const SpanContext& trace) {
  std::string text(16, '0');
  write_hex(text.data(), trace.span);
  return text;
}

}  // namespace yun::observe::trace
