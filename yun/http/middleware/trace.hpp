#pragma once
// A server span for every request, below the traceparent that came in: ctx.span() and ctx.trace() from before() to the end of the
// exchange, so log lines and calls to other services carry its ids. Named "GET /api/users/{id}" by method and route; attributes follow
// OpenTelemetry's HTTP conventions. 5xx and broken exchanges are errors.

#include <string>
#include <vector>

#include "yun/http/middleware/middleware.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::http {

struct TraceOptions {
  /// Paths without a span.
  std::vector<std::string> quiet = {"/health", "/healthz", "/readyz", "/metrics"};
};
/// `tracer` must outlive the middleware.
std::shared_ptr<Middleware> trace(observe::trace::Tracer& tracer, TraceOptions options = {});

}  // namespace yun::http
