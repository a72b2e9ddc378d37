#pragma once
// Ids as OTLP has them: bytes, the most significant first.

#include "yun/base/protobuf_writer.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::telemetry::otlp {

/// The eight bytes of a span's id.
inline void write_id(ProtobufWriter& out, std::uint32_t field, std::uint64_t id) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(id >> (56 - 8 * i));
  out.text(field, {bytes, sizeof bytes});
}

/// The sixteen bytes of a trace's id.
inline void write_trace_id(ProtobufWriter& out, std::uint32_t field, const observe::trace::SpanContext& of) {
  char bytes[16];
  for (int i = 0; i < 16; ++i) bytes[i] = static_cast<char>((i < 8 ? of.trace_high : of.trace_low) >> (56 - 8 * (i % 8)));
  out.text(field, {bytes, sizeof bytes});
}

}  // namespace yun::telemetry::otlp
