#pragma once
// What an Exporter can be told, and how OpenTelemetry's standard environment variables say it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::telemetry {

enum class Signal : std::uint8_t { Traces, Metrics, Logs };
inline constexpr std::size_t kSignals = 3;
/// "traces", "metrics", "logs".
std::string_view name(Signal signal);

enum class Protocol : std::uint8_t { HttpProtobuf, Grpc };
enum class Coding : std::uint8_t { None, Gzip };

using Attributes = std::vector<std::pair<std::string, std::string>>;

/// Where one signal goes.
struct Target {
  std::string url = {};  ///< "" = nowhere. HTTP: to the last letter of the path; gRPC: scheme, host and port count
  Protocol protocol = Protocol::HttpProtobuf;
  Attributes headers = {};  ///< go along with each request; names in lower case
  Duration timeout = std::chrono::seconds(10);  ///< of one try
  Coding coding = Coding::None;
  std::string ca_file = {};           ///< PEM; "" = the system's store
  std::string certificate_file = {};  ///< PEM; for collectors that ask for one
  std::string key_file = {};          ///< PEM
};

/// How spans or log lines are gathered on their way.
struct Batch {
  std::size_t max_queue = 2048;  ///< records that wait; more are dropped and counted
  std::size_t max_batch = 512;   ///< records of one request; so many do not wait for `delay`
  Duration delay = std::chrono::seconds(5);
};

struct ExporterOptions {
  Attributes resource = {};  ///< service.name first
  Target traces = {};
  Target metrics = {};
  Target logs = {};
  Batch spans = {};
  Batch lines = {.max_queue = 2048, .max_batch = 512, .delay = std::chrono::seconds(1)};
  std::size_t max_queue_bytes = 8_MiB;  ///< of each queue, as the records will be sent
  Duration metric_interval = std::chrono::seconds(60);
  Duration retry_base = std::chrono::milliseconds(500);  ///< upper end of the first pause; doubles, with full jitter
  Duration retry_max_pause = std::chrono::seconds(5);
  Duration retry_limit = std::chrono::seconds(60);  ///< a batch that could not be delivered for so long is dropped and counted
  std::size_t max_log_text = 8_KiB;

  const Target& target(Signal signal) const { return signal == Signal::Traces ? traces : signal == Signal::Metrics ? metrics : logs; }
  /// True if anything goes anywhere.
  bool any() const { return !traces.url.empty() || !metrics.url.empty() || !logs.url.empty(); }
};

/// What the environment says.
struct Environment {
  ExporterOptions options;
  std::optional<observe::trace::Sampler> sampler;  ///< OTEL_TRACES_SAMPLER, if it is set
  std::vector<std::string> complaints;             ///< values that mean nothing, which were passed over as the specification asks
};

/// A variable's value, or null.
using Variables = std::function<const char*(const char* name)>;

/// Reads the OTEL_ variables of docs/telemetry.md (OpenTelemetry specification 1.x, "Environment Variable Specification" and "OTLP exporter"). Nothing is
/// exported unless an endpoint is named. `service` and `version` are what the program calls itself, if no variable says otherwise.
Environment read_environment(std::string_view service, std::string_view version, const Variables& variables);
/// The same from this process's own.
Environment read_environment(std::string_view service, std::string_view version);

}  // namespace yun::telemetry
