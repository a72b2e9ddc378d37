#pragma once
// Transport: how one signal's requests reach their collector. Lives on one loop.

#include <memory>
#include <string>

#include "yun/observe/context.hpp"
#include "yun/runtime/task.hpp"
#include "yun/telemetry/options.hpp"
#include "yun/telemetry/otlp.hpp"

namespace yun::telemetry {

class Transport {
 public:
  virtual ~Transport() = default;
  /// An encoded request as it will be sent, once for all tries.
  virtual std::string prepare(std::string message) const { return message; }
  /// One try. Gives what the collector refused of it for good. Of errors is_transient() says whether another try may help.
  virtual Task<Result<otlp::Rejected>> send(Context& ctx, const std::string& prepared) = 0;

  /// InvalidArgument for a target that cannot be: a certificate file that is not there.
  static Result<std::unique_ptr<Transport>> make(Signal signal, const Target& target);
};

/// OTLP's rule (specification, "Failures"): no connection, 429, 502, 503, 504, and the gRPC codes that stand for them, RESOURCE_EXHAUSTED only if it says when.
bool is_transient(const Error& error);

namespace detail {
Result<std::unique_ptr<Transport>> make_http(const Target& target);
Result<std::unique_ptr<Transport>> make_grpc(Signal signal, const Target& target);
}  // namespace detail

}  // namespace yun::telemetry
