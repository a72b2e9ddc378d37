#pragma once
// The metrics of every HTTP server of Yun:
//
//     http_requests_total{method,path,status}            path is the route's pattern, "unmatched" if there was none
//     http_request_duration_seconds{method,path}         from the parsed head to the last byte handed on; Prometheus's default buckets
//     http_refused_total{reason}                         answers that carry a reason word
//
// A method that HTTP does not define is "OTHER". Series are bound once for each core, route, method and status.

#include "yun/http/middleware/middleware.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun::http {

/// `registry` must outlive the middleware.
std::shared_ptr<Middleware> metrics(observe::metrics::Registry& registry);

}  // namespace yun::http
