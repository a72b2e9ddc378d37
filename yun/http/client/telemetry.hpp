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
  /// `response` is what `sent` gave, if it is ok.
  void count(const Request& request, const Result<void>& sent, const Response& response, Duration duration) const;

 private:
  /// The series of one kind of answer.
  struct Bound {
    std::uint64_t owner = 0;  ///< `id_` of the Telemetry that bound them
    Method method{};
    int status = 0;
    observe::metrics::Counter* requests = nullptr;
    observe::metrics::Histogram* duration = nullptr;
  };
  const Bound& bind(Method method, int status) const;

  std::string client_;
  std::uint64_t id_ = 0;  ///< never given twice; a copy counts in the same series
  observe::metrics::Family<observe::metrics::Counter>* requests_ = nullptr;
  observe::metrics::Family<observe::metrics::Counter>* failures_ = nullptr;
  observe::metrics::Family<observe::metrics::Histogram>* durations_ = nullptr;
};

/// OpenTelemetry's HTTP client span, below the Context's.
class ExchangeSpan {
 public:
  /// `authority`: of whom is asked; a proxy does not count.
  ExchangeSpan(Context& ctx, const Request& request, std::string_view authority);
  void end(const Result<void>& sent, const Response& response);

 private:
  observe::trace::Span span_;
};

}  // namespace yun::http::client
