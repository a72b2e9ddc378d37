#pragma once
// OTLP's messages (opentelemetry-proto 1.x): records are encoded one by one where they end, and put into an envelope that says of whom they are when
// they are sent.

#include <string>
#include <string_view>

#include "yun/observe/trace/trace.hpp"
#include "yun/telemetry/options.hpp"

namespace yun::telemetry::otlp {

/// One span, as a field of its ScopeSpans. Appended.
void append_span(std::string& out, const observe::trace::SpanData& span);

/// The request of a signal with `records`, encoded as above, of one resource.
class Envelope {
 public:
  explicit Envelope(const Attributes& resource);
  std::string wrap(std::string_view records) const;

 private:
  std::string resource_;  ///< the field of ResourceSpans, ResourceMetrics, ResourceLogs: they are alike
  std::string scope_;     ///< the field of ScopeSpans and so on
};

/// What a collector did not take of a request that it answered with success.
struct Rejected {
  std::uint64_t records = 0;
  std::string message;
};
Rejected read_answer(std::string_view answer);

}  // namespace yun::telemetry::otlp
