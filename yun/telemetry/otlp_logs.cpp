#include "yun/telemetry/otlp_logs.hpp"

#include "yun/base/protobuf_writer.hpp"
#include "yun/json/value.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/trace/propagation.hpp"
#include "yun/telemetry/otlp_ids.hpp"

namespace yun::telemetry::otlp {

namespace {

using Writer = ProtobufWriter;

std::uint64_t severity(std::string_view level) {
  return level == "debug" ? 5 : level == "info" ? 9 : level == "warn" ? 13 : level == "error" ? 17 : 0;
}

std::string_view text_of(const json::Value& value) {
  const std::string* text = value.as_string();
  return text ? std::string_view(*text) : std::string_view();
}

void write_value(Writer& out, std::uint32_t field, const json::Value& value, std::size_t max_text) {
  out.message(field, [&] {
    if (const std::string* text = value.as_string()) return out.text(1, std::string_view(*text).substr(0, max_text));
    if (const auto flag = value.as_bool()) return out.integer(2, *flag);
    if (const auto whole = value.as_int()) return out.integer(3, static_cast<std::uint64_t>(*whole));
    if (const auto real = value.as_double()) return out.real(4, *real);
    out.text(1, json::to_json(value));
  });
}

/// The ids as W3C writes them are read by its own reader.
void write_ids(Writer& out, std::string_view trace, std::string_view span) {
  const auto ids = observe::trace::parse_traceparent("00-" + std::string(trace) + "-" + (span.empty() ? std::string("0000000000000001") : std::string(span)) + "-00");
  if (!ids) return;
  write_trace_id(out, 9, *ids);
  if (!span.empty()) write_id(out, 10, ids->span);
}

void write_record(Writer& out, const json::Object& line, std::size_t max_text) {
  std::string_view trace, span;
  for (const auto& [key, value] : line) {
    if (key == "ts") {
      const auto time = parse_time(text_of(value));
      if (time) out.fixed64(1, static_cast<std::uint64_t>(std::chrono::nanoseconds(time->time_since_epoch()).count()));
    } else if (key == "level") {
      out.integer(2, severity(text_of(value)));
      out.text(3, text_of(value));
    } else if (key == "msg") {
      write_value(out, 5, value, max_text);
    } else if (key == "trace_id") {
      trace = text_of(value);
    } else if (key == "span_id") {
      span = text_of(value);
    } else if (key != "service") {
      out.message(6, [&] {
        out.text(1, key);
        write_value(out, 2, value, max_text);
      });
    }
  }
  if (!trace.empty()) write_ids(out, trace, span);
}

}  // namespace

void append_line(std::string& out, std::string_view line, std::size_t max_text) {
  Writer writer(out);
  writer.message(2, [&] {
    writer.fixed64(11, static_cast<std::uint64_t>(std::chrono::nanoseconds(now().time_since_epoch()).count()));
    const auto parsed = json::parse(line);
    const json::Object* object = parsed ? parsed->as_object() : nullptr;
    if (object) return write_record(writer, *object, max_text);
    writer.message(5, [&] { writer.text(1, line.substr(0, max_text)); });
  });
}

}  // namespace yun::telemetry::otlp
