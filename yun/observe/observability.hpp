#pragma once
// Observability: what a program is watched by, in one object that main() (or App) makes first and hands down. Logs need none: see log.hpp.

#include "yun/observe/metrics/registry.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::observe {

struct ObservabilityOptions {
  metrics::RegistryOptions metrics = {};
  trace::TracerOptions tracing = {};
};

class Observability {
 public:
  explicit Observability(ObservabilityOptions options = {}) : metrics(options.metrics), tracer(std::move(options.tracing)) {}

  metrics::Registry metrics;
  trace::Tracer tracer;
};

}  // namespace yun::observe

namespace yun {
using observe::Observability;
}
