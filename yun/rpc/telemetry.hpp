#pragma once
// What every call leaves behind, on either side: rpc_server_requests_total{service,method,code} and rpc_server_duration_seconds{service,method}
// (rpc_client_* for clients), a span, and one log line when it failed. Handles are bound once a method.

#include <memory>
#include <string_view>

#include "yun/base/error.hpp"
#include "yun/base/result.hpp"
#include "yun/base/units.hpp"
#include "yun/observe/context.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun::rpc {

class MethodTelemetry {
 public:
  enum class Side : std::uint8_t { Server, Client };
  struct Handles;

  MethodTelemetry() = default;
  /// `registry` may be null: then nothing is counted. `fault_level`: of the lines about faults.
  MethodTelemetry(Side side, observe::metrics::Registry* registry, std::string_view service, std::string_view method,
                  observe::log::Level fault_level = observe::log::Level::Warn);

  /// A call that ended before it began.
  void count(Code code) const;
  /// An exception left the method: it is logged and counted (rpc_server_exceptions_total).
  void log_exception(Context& ctx, std::string_view what) const;

  /// One call, from its head to its status.
  class Scope {
   public:
    Scope(const MethodTelemetry& method, Context& ctx);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    /// Once; a scope that goes without it ended as Cancelled.
    void end(const Result<void>& result);

   private:
    struct Trace;
    const MethodTelemetry& method_;
    Context& ctx_;
    TimePoint start_;
    std::unique_ptr<Trace> trace_;
    bool ended_ = false;
  };

 private:
  std::shared_ptr<Handles> handles_;
};

}  // namespace yun::rpc
