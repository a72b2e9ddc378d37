#pragma once
// W3C Trace Context (Recommendation, level 1): the traceparent and tracestate headers.

#include <optional>
#include <string>
#include <string_view>

#include "yun/observe/context.hpp"

namespace yun::observe::trace {

/// "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" -> its ids. Strict: nullopt for version ff, upper-case digits, all-zero ids,
/// a wrong length; a higher version may have more after a further "-".
std::optional<SpanContext> parse_traceparent(std::string_view text);
/// Version 00; `trace` is valid().
std::string format_traceparent(const SpanContext& trace);
inline constexpr std::size_t kTraceparentSize = 55;
/// The same to where there is room for that many bytes.
void write_traceparent(const SpanContext& trace, char* to);
/// What may be passed on of a tracestate header (several of them joined by ","): itself, or "" if it is malformed, names a key twice, is over 512 bytes or
/// has more than 32 members. Keys may begin with a digit, as level 2 allows.
std::string_view check_tracestate(std::string_view text);

/// 32 and 16 lower-case hex digits.
std::string trace_id(const SpanContext& trace);
std::string span_id(const SpanContext& trace);

}  // namespace yun::observe::trace
