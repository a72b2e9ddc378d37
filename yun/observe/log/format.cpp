#include "yun/observe/log/format.hpp"

#include "yun/observe/context.hpp"

namespace yun::observe::log {

void Value::append_to(Line& line, std::size_t max_text) const {
  switch (kind_) {
    case Kind::Text: line.text(text_, max_text); break;
    case Kind::Bool: line.raw(signed_ ? "true" : "false"); break;
    case Kind::Signed: line.number(signed_); break;
    case Kind::Unsigned: line.number(unsigned_); break;
    case Kind::Double: line.number(double_); break;
    case Kind::Duration: line.seconds(signed_); break;
    case Kind::Time:
      line.raw('"');
      line.time(signed_);
      line.raw('"');
      break;
    case Kind::Error: line.text(error_->to_string(), max_text); break;
  }
}

void format_line(Line& line, Time time, Level level, std::string_view service, Context* ctx, std::string_view message, std::span<const Field> fields,
                 std::size_t max_text) {
  line.raw("{\"ts\":\"");
  line.time(time.time_since_epoch().count());
  line.raw("\",\"level\":\"");
  line.raw(name(level));
  line.raw("\",\"msg\":");
  line.text(message, max_text);
  line.raw(service);
  if (ctx) {
    const auto& trace = ctx->trace();
    line.raw(",\"trace_id\":\"");
    line.hex(trace.trace_high);
    line.hex(trace.trace_low);
    line.raw("\",\"span_id\":\"");
    line.hex(trace.span);
    line.raw('"');
    if (!ctx->request_id().empty()) {
      line.raw(",\"request_id\":");
      line.text(ctx->request_id(), max_text);
    }
  }
  for (const Field& field : fields) {
    line.key(field.key.text());
    field.value.append_to(line, max_text);
  }
  line.raw("}\n");
}

}  // namespace yun::observe::log
