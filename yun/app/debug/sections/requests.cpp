// /debug/requests: the spans that were slow or failed, whether they were sampled or not.

#include "yun/app/debug/sections/sections.hpp"
#include "yun/base/units.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::app::debug {
namespace {

using observe::trace::SpanData;

json::Value attributes_of(const SpanData& span) {
  if (span.attributes.empty()) return nullptr;
  json::Value attributes = json::Value::object();
  for (const observe::trace::Attribute& attribute : span.attributes)
    std::visit([&](const auto& value) { attributes[attribute.key] = json::Value(value); }, attribute.value);
  return attributes;
}

}  // namespace

json::Value describe_requests(const Program& program) {
  json::Value list = json::Array{};
  for (const SpanData& span : program.tracer.recent()) {
    const bool failed = span.status == observe::trace::Status::Error;
    list.push_back(json::Value::object({
        {"start", format_time(span.start)},
        {"span", span.name},
        {"state", failed ? "failed" : "slow"},
        {"duration_seconds", std::chrono::duration<double>(span.duration).count()},
        {"message", span.status_message},
        {"trace_id", observe::trace::trace_id(span.context)},
        {"span_id", observe::trace::span_id(span.context)},
        {"sampled", span.context.sampled},
        {"attributes", attributes_of(span)},
    }));
  }
  return list;
}

}  // namespace yun::app::debug
