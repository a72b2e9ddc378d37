#include "yun/telemetry/otlp.hpp"

#include "yun/base/protobuf_writer.hpp"
#include "yun/rpc/wire.hpp"
#include "yun/telemetry/otlp_ids.hpp"

namespace yun::telemetry::otlp {

namespace {

namespace t = observe::trace;
using Writer = ProtobufWriter;

void write_any(Writer& out, std::uint32_t field, const t::AttributeValue& value) {
  out.message(field, [&] {
    if (const auto* text = std::get_if<std::string>(&value)) out.text(1, *text);
    if (const auto* flag = std::get_if<bool>(&value)) out.integer(2, *flag);
    if (const auto* whole = std::get_if<std::int64_t>(&value)) out.integer(3, static_cast<std::uint64_t>(*whole));
    if (const auto* real = std::get_if<double>(&value)) out.real(4, *real);
  });
}

void write_attribute(Writer& out, std::uint32_t field, std::string_view key, std::string_view value) {
  out.message(field, [&] {
    out.text(1, key);
    out.message(2, [&] { out.text(1, value); });
  });
}

std::uint32_t kind_number(t::Kind kind) { return static_cast<std::uint32_t>(kind) + 1; }

}  // namespace

void append_span(std::string& out, const t::SpanData& span) {
  static_assert(static_cast<int>(t::Kind::Internal) == 0 && static_cast<int>(t::Kind::Consumer) == 4, "OTLP's SpanKind has the same order, from 1 on");
  Writer writer(out);
  const auto start = static_cast<std::uint64_t>(std::chrono::nanoseconds(span.start.time_since_epoch()).count());
  writer.message(2, [&] {
    write_trace_id(writer, 1, span.context);
    write_id(writer, 2, span.context.span);
    if (!span.trace_state.empty()) writer.text(3, span.trace_state);
    if (span.parent_span) write_id(writer, 4, span.parent_span);
    writer.text(5, span.name);
    writer.integer(6, kind_number(span.kind));
    writer.fixed64(7, start);
    writer.fixed64(8, start + static_cast<std::uint64_t>(span.duration.count()));
    for (const t::Attribute& attribute : span.attributes) {
      writer.message(9, [&] {
        writer.text(1, attribute.key);
        write_any(writer, 2, attribute.value);
      });
    }
    if (span.dropped_attributes) writer.integer(10, span.dropped_attributes);
    if (span.status != t::Status::Unset) {
      writer.message(15, [&] {
        if (!span.status_message.empty()) writer.text(2, span.status_message);
        writer.integer(3, span.status == t::Status::Ok ? 1 : 2);
      });
    }
    writer.fixed32(16, span.context.sampled ? 1 : 0);
  });
}

Envelope::Envelope(const Attributes& resource) {
  Writer whose(resource_);
  whose.message(1, [&] {
    for (const auto& [key, value] : resource) write_attribute(whose, 1, key, value);
  });
  Writer scope(scope_);
  scope.message(1, [&] { scope.text(1, "yun"); });
}

std::string Envelope::wrap(std::string_view records) const {
  std::string out;
  out.reserve(records.size() + resource_.size() + scope_.size() + 32);
  Writer writer(out);
  writer.message(1, [&] {
    out += resource_;
    writer.message(2, [&] {
      out += scope_;
      out += records;
    });
  });
  return out;
}

Rejected read_answer(std::string_view answer) {
  Rejected rejected;
  rpc::wire::Fields fields(answer);
  while (const auto field = fields.next()) {
    if (field->number != 1 || field->type != 2) continue;
    rpc::wire::Fields partial(field->bytes);
    while (const auto part = partial.next()) {
      if (part->number == 1 && part->type == 0) rejected.records = part->value;
      if (part->number == 2 && part->type == 2) rejected.message = part->bytes;
    }
  }
  return rejected;
}

}  // namespace yun::telemetry::otlp
