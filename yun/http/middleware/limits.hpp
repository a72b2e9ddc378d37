#pragma once
// Limits that protect a service: the time to the response head, the size of bodies, the number of requests at work.

#include <cstddef>
#include <string>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/http/middleware/middleware.hpp"

namespace yun::http {

/// The Context ends at most `timeout` after its request's head came (504 if the handler then gives its error on). For fewer seconds than
/// the server's own request_timeout: on a group of routes, say.
std::shared_ptr<Middleware> deadline(Duration timeout);

/// A request that announces a larger body is 413 body_too_large before its handler runs; one that does not is cut off when it is read past it.
std::shared_ptr<Middleware> body_limit(std::size_t bytes);

struct ConcurrencyLimitOptions {
  /// Requests at work on one loop; more are shed at once: 503 overloaded + Retry-After. A streamed or upgraded answer no longer counts.
  std::size_t per_loop = 1024;
  Duration retry_after = std::chrono::seconds(1);
  /// Paths that always pass.
  std::vector<std::string> exempt = {"/health", "/healthz", "/readyz"};
};
std::shared_ptr<Middleware> concurrency_limit(ConcurrencyLimitOptions options = {});

}  // namespace yun::http
