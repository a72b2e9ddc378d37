#include "yun/observe/log/format.hpp"

#include <chrono>

#include "yun/json/write.hpp"
#include "yun/observe/context.hpp"

namespace yun::observe::log {
namespace {

/// RFC 3339; all but the fraction is kept from the line before, which most often was in the same second.
void append_time(std::string& line, Time time) {
  thread_local std::int64_t last_second = INT64_MIN;
  thread_local char prefix[20];
  const std::int64_t micros = time.time_since_epoch().count();
  const std::int64_t second = micros / 1'000'000 - (micros % 1'000'000 < 0 ? 1 : 0);
  auto fraction = static_cast<std::uint32_t>(micros - second * 1'000'000);
  if (second != last_second) {
    const std::string text = format_time(time);
    if (text.size() != 27) {  // a year beyond four digits
      line += text;
      return;
    }
    text.copy(prefix, sizeof prefix);
    last_second = second;
  }
  char digits[7];
  digits[6] = 'Z';
  for (int i = 5; i >= 0; --i, fraction /= 10) digits[i] = static_cast<char>('0' + fraction % 10);
  line.append(prefix, sizeof prefix).append(digits, sizeof digits);
}

void append_hex(std::string& line, std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char text[16];
  for (int i = 15; i >= 0; --i, value >>= 4) text[i] = kDigits[value & 15];
  line.append(text, sizeof text);
}

void append_text(std::string& line, std::string_view text, std::size_t max_text) {
  if (text.size() <= max_text) {
    json::write(line, text);
    return;
  }
  std::size_t cut = max_text;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;  // not within a character
  json::write(line, text.substr(0, cut));
  line.pop_back();
  line += "...\"";
}

}  // namespace

void Value::append_to(std::string& line, std::size_t max_text) const {
  switch (kind_) {
    case Kind::Text: append_text(line, text_, max_text); break;
    case Kind::Bool: line += signed_ ? "true" : "false"; break;
    case Kind::Signed: json::write(line, signed_); break;
    case Kind::Unsigned: json::write(line, unsigned_); break;
    case Kind::Double: json::write(line, double_); break;
    case Kind::Time: json::write(line, yun::Time(std::chrono::microseconds(signed_))); break;
    case Kind::Error: append_text(line, error_->to_string(), max_text); break;
  }
}

void format_line(std::string& line, Time time, Level level, std::string_view service, Context* ctx, std::string_view message,
                 std::span<const Field> fields, std::size_t max_text) {
  line += "{\"ts\":\"";
  append_time(line, time);
  line.append("\",\"level\":\"").append(name(level)).append("\",\"msg\":");
  append_text(line, message, max_text);
  line += service;
  if (ctx) {
    const auto& trace = ctx->trace();
    line += ",\"trace_id\":\"";
    append_hex(line, trace.trace_high);
    append_hex(line, trace.trace_low);
    line += "\",\"span_id\":\"";
    append_hex(line, trace.span);
    line += '"';
    if (!ctx->request_id().empty()) {
      line += ",\"request_id\":";
      append_text(line, ctx->request_id(), max_text);
    }
  }
  for (const Field& field : fields) {
    line += ',';
    json::write(line, field.key);
    line += ':';
    field.value.append_to(line, max_text);
  }
  line += "}\n";
}

}  // namespace yun::observe::log
