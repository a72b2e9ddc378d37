#pragma once
// Admin: the second listener, for operators: /metrics /healthz /readyz /loglevel /debug. Loopback unless told otherwise.

#include <memory>

#include "yun/app/debug/pages.hpp"
#include "yun/app/front.hpp"
#include "yun/http/router/router.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::app {

/// A CPU profile takes up to a minute.
inline constexpr Duration kAdminTimeout = std::chrono::seconds(75);

class Admin {
 public:
  /// All must outlive it.
  Admin(observe::metrics::Registry& metrics, observe::trace::Tracer& tracer, Front& front, debug::Pages& pages);
  http::Handler& handler() { return router_; }

 private:
  http::Router router_;
};

}  // namespace yun::app
