#pragma once
// Admin: the second listener, for operators: /metrics /healthz /readyz /loglevel /debug. Loopback unless told otherwise.

#include <memory>

#include "yun/app/front.hpp"
#include "yun/http/router/router.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::app {

class Admin {
 public:
  /// All must outlive it.
  Admin(observe::metrics::Registry& metrics, observe::trace::Tracer& tracer, Front& front, const http::Router& service);
  http::Handler& handler() { return router_; }

 private:
  http::Router router_;
};

}  // namespace yun::app
