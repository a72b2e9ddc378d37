#pragma once
// OTLP's log records, made of the lines that log.hpp writes.

#include <string>
#include <string_view>

namespace yun::telemetry::otlp {

/// One line of JSON, without its '\n', as a field of a ScopeLogs; appended. ts, level, msg, trace_id and span_id get their places, service is the resource's, the
/// rest are attributes. What is no such line becomes the body as it is. At most `max_text` bytes of a text are kept.
void append_line(std::string& out, std::string_view line, std::size_t max_text);

}  // namespace yun::telemetry::otlp
