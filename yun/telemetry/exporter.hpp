#pragma once
// Exporter: sends spans, metrics and log lines to an OpenTelemetry collector (OTLP over HTTP or gRPC), from a thread of its own.
//
//     auto environment = telemetry::read_environment("order", "1.4.2");
//     telemetry::Exporter exporter(environment.options);                 // before the Tracer and after the Registry: it outlives what feeds it
//     exporter.add_metrics(registry);
//     exporter.start();
//     log::start({.service = "order", .sinks = {exporter.log_sink()}});
//     trace::Tracer tracer({.sinks = {exporter.span_sink()}});
//     ...
//     exporter.stop(2s);                                                 // what is left goes out
//
// Who ends a span encodes it and puts it into a bounded queue; when that is full the span is dropped and counted. Nothing waits for the collector but
// the exporter's own thread: while it is away, a batch is tried again with growing pauses, then dropped and counted; a line a minute says so.

#include <array>
#include <memory>

#include "yun/observe/log/log.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/observe/trace/trace.hpp"
#include "yun/telemetry/options.hpp"

namespace yun::telemetry {

/// Why records were lost.
enum class Loss : std::uint8_t {
  QueueFull,    ///< came faster than they went, or the collector is away
  Undelivered,  ///< the collector did not answer, or only with errors, until the limit, or said that it never will
  Rejected,     ///< the collector took the request but not these of it
  Shutdown,     ///< were left when the time of stop() was over
};
inline constexpr std::size_t kLosses = 4;

class Exporter {
 public:
  struct Stats {
    std::uint64_t exported = 0;             ///< records that a collector took
    std::uint64_t failures = 0;             ///< tries that failed
    std::array<std::uint64_t, kLosses> lost{};  ///< records, by Loss
    std::size_t queued = 0;
  };

  /// What can be said without sending: where each signal goes.
  explicit Exporter(ExporterOptions options);
  /// Stops at once.
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  /// Starts the thread. A target that cannot be (a certificate file that is not there) is said in the log and not served. Once.
  void start();
  /// Where a Tracer's spans go; null if spans are not exported.
  std::shared_ptr<observe::trace::SpanSink> span_sink() const;
  /// Where the log's lines go; null if they are not exported.
  std::shared_ptr<observe::log::Sink> log_sink() const;
  /// Adds what the exporter counts of itself (telemetry_*) to `registry`, which must outlive it, and exports all of it, if metrics go anywhere. Once, before start().
  void add_metrics(observe::metrics::Registry& registry);
  Stats stats(Signal signal) const;

  /// Sends what is left, within that time, and ends. Any thread but the exporter's; once. What comes later is dropped.
  void stop(Duration within);

 private:
  struct Inner;
  std::unique_ptr<Inner> inner_;
};

}  // namespace yun::telemetry
