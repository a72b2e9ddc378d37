#pragma once
// Limits that protect a service: the time to the response head, the size of bodies, the work it takes on.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/http/middleware/middleware.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/resilience/shedder.hpp"

namespace yun::http {

/// The Context ends at most `timeout` after its request's head came (504 if the handler then gives its error on). For fewer seconds than
/// the server's own request_timeout: on a group of routes, say.
std::shared_ptr<Middleware> deadline(Duration timeout);

/// A request that announces a larger body is 413 body_too_large before its handler runs; one that does not is cut off when it is read past it.
std::shared_ptr<Middleware> body_limit(std::size_t bytes);

struct OverloadOptions {
  /// Off: only max_in_flight holds.
  enum class Shedding : std::uint8_t { On, Off } shedding = Shedding::On;
  /// When a loop has more work than time, and what it does then.
  resilience::LoadShedderOptions shedder = {};
  /// Requests at work on one loop, most of them waiting for something; it bounds memory, not work. A streamed or upgraded answer no longer counts.
  std::size_t max_in_flight = 32'768;
  Duration retry_after = std::chrono::seconds(1);
  /// Shows http_requests_in_flight and http_requests_in_flight_ratio, if given; must outlive the middleware.
  observe::metrics::Registry* registry = nullptr;
  /// Paths that always pass.
  std::vector<std::string> exempt = {"/health", "/healthz", "/readyz", "/grpc.health.v1.Health/Check"};
};
/// Refuses what comes while a loop is overloaded: 503 overloaded + Retry-After (gRPC: UNAVAILABLE and grpc-retry-pushback-ms). One log line when that
/// begins and one when it ends.
std::shared_ptr<Middleware> overload(OverloadOptions options = {});

}  // namespace yun::http
