#pragma once
// What every Yun server has before its router, in this order: trace, request id, metrics, access log, overload. (recover is
// the pipeline's own; the deadline to the response head and the limit on bodies are the server's: ServerOptions::request_timeout, max_body.)
//
//     Pipeline pipeline(default_middleware({.registry = registry, .tracer = tracer}), router);
//     Server server(runtime, pipeline);

#include "yun/http/middleware/access_log.hpp"
#include "yun/http/middleware/limits.hpp"
#include "yun/http/middleware/metrics.hpp"
#include "yun/http/middleware/middleware.hpp"
#include "yun/http/middleware/pipeline.hpp"
#include "yun/http/middleware/request_id.hpp"
#include "yun/http/middleware/trace.hpp"

namespace yun::http {

struct DefaultOptions {
  observe::metrics::Registry& registry;
  observe::trace::Tracer& tracer;
  AccessLogOptions access_log = {};
  TraceOptions trace = {};
  OverloadOptions overload = {};
};

/// registry and tracer must outlive what is given.
std::vector<std::shared_ptr<Middleware>> default_middleware(DefaultOptions options);

}  // namespace yun::http
