#pragma once
// What a client's exchanges leave behind: metrics, and a span each when the caller has one.

#include <string>

#include "yun/http/client/url.hpp"
#include "yun/http/message.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::http::client {

class Telemetry {
 public:
  Telemetry() = default;
  /// `registry` may be null.
  Telemetry(observe::metrics::Registry* registry, std::string client);
  void count(const Request& request, const Result<Response>& response, Duration duration) const;

 private:
  std::string client_;
  observe::metrics::Family<observe::metrics::Counter>* requests_ = nullptr;
  observe::metrics::Family<observe::metrics::Counter>* failures_ = nullptr;
  observe::metrics::Family<observe::metrics::Histogram>* durations_ = nullptr;
};

/// OpenTelemetry's HTTP client span, below the Context's.
class ExchangeSpan {
 public:
  ExchangeSpan(Context& ctx, const Request& request, const Url& url);
  void end(const Result<Response>& response);

 private:
  observe::trace::Span span_;
};

}  // namespace yun::http::client
