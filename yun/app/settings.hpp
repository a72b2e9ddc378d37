#pragma once
// AppSettings: what every program built on App can be told, by flag (--listen), variable (YUN_LISTEN) or file (listen:).

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/config/load.hpp"

namespace yun {

struct AppSettings {
  std::string listen = ":8080";
  std::string admin = "";
  std::string advertise = "";
  unsigned loops = 0;
  Duration ready_timeout = std::chrono::seconds(30);
  Duration drain_delay{};
  Duration grace = std::chrono::seconds(10);
  struct Log {
    std::string level = "info";
    std::string output = "stdout";
    std::vector<std::string> sinks = {};
    static constexpr config::Doc kDocs[] = {{"level", "debug, info, warn, error or off"},
                                            {"output", "stdout, stderr, none or a file"},
                                            {"sinks", "where lines are pushed too: loki://host:3100/?job=shop, fluentd://host:24224/?tag=shop"}};
  } log;
  struct Tls {
    std::string certificate = "";
    std::string key = "";
    static constexpr config::Doc kDocs[] = {{"certificate", "file (PEM); set, the service port speaks TLS only"}, {"key", "file (PEM)"}};
  } tls;
  /// Limits and timeouts of the service port; the defaults are those of http::ServerOptions, which says more of each.
  struct Http {
    Duration header_timeout = std::chrono::seconds(10);
    Duration idle_timeout = std::chrono::seconds(60);
    Duration body_timeout = std::chrono::seconds(60);
    Duration request_timeout = std::chrono::seconds(15);
    Duration stream_idle_timeout = std::chrono::seconds(60);
    Duration max_connection_age{};
    Duration ping_interval = std::chrono::seconds(60);
    Size max_head{32_KiB};
    std::size_t max_headers = 100;
    Size max_body{10_MiB};
    std::size_t max_connections = 100'000;
    std::uint64_t max_requests_per_connection = 0;
    std::uint32_t max_streams = 100;
    static constexpr config::Doc kDocs[] = {
        {"header_timeout", "a request's head must be here within that; else 408"},
        {"idle_timeout", "a connection without a request is closed after that"},
        {"body_timeout", "so long a request's body may stand still; then 408"},
        {"request_timeout", "time for an answer's head; then 504"},
        {"stream_idle_timeout", "so long a streamed answer may stand still; then it is broken off"},
        {"max_connection_age", "connections are asked to go after that, so that load spreads anew; 0s = never"},
        {"ping_interval", "HTTP/2: a silent client is asked for a sign of life; 0s = never"},
        {"max_head", "request line and headers together; more is 431"},
        {"max_headers", "header fields; more is 431"},
        {"max_body", "a request's body; more is 413 (gRPC: see rpc.max-message)"},
        {"max_connections", "over all loops; further ones are closed"},
        {"max_requests_per_connection", "0 = any number"},
        {"max_streams", "HTTP/2: requests at once on one connection"},
    };
    static void rules(json::Rules<Http>& r) {
      r.field(&Http::max_headers).min(1u);
      r.field(&Http::max_connections).min(1u);
      r.field(&Http::max_streams).min(1u).max(0x7fff'ffffu);
    }
  } http;
  struct Rpc {
    Size max_message{4_MiB};
    static constexpr config::Doc kDocs[] = {{"max_message", "a gRPC message; more is RESOURCE_EXHAUSTED"}};
  } rpc;
  struct Trace {
    double ratio = 0.1;
    Duration slow = std::chrono::seconds(1);
    bool tail = true;
    static constexpr config::Doc kDocs[] = {
        {"ratio", "share of new traces that are sampled, 0 to 1; OTEL_TRACES_SAMPLER goes before it"},
        {"slow", "a request that takes longer is kept for the debug page, and exported by trace.tail"},
        {"tail", "with a collector: failed and slow requests are exported though they were not sampled"},
    };
  } trace;
  struct Overload {
    bool shedding = true;
    Duration tolerance = std::chrono::milliseconds(100);
    std::size_t max_in_flight = 32'768;
    static constexpr config::Doc kDocs[] = {
        {"shedding", "refuse requests (503) while a loop has more work than time"},
        {"tolerance", "how long requests may stand in front of their handler before that is an overload"},
        {"max_in_flight", "requests at work on one loop; more are refused"},
    };
  } overload;
  static constexpr config::Doc kDocs[] = {
      {"listen", "address of the service port"},
      {"admin", "address of /metrics, /loglevel, /debug; default: 127.0.0.1, service port + 10"},
      {"advertise", "host or host:port that a registry is told; default: the service's address, or this machine's"},
      {"loops", "event loops; 0 = one for each usable core"},
      {"ready_timeout", "ready after so long even if something that readiness waits for is still missing"},
      {"drain_delay", "how long to go on serving after readiness turned false"},
      {"grace", "how long requests in flight may take when draining"},
  };
};

/// The settings with the program's name, as App's constructor takes them.
struct LoadedSettings {
  std::string name;
  AppSettings app;
  std::vector<config::Setting> in_force = {};  ///< the App's and the program's own, for /debug/config
};

/// Fills `settings` and gives the App's own. Ends the program: 2 for wrong usage, 0 for --help, which begins with Settings::kSummary if there is one.
template <typename Settings>
LoadedSettings load_app_settings(std::string_view name, int argc, char** argv, Settings& settings) {
  LoadedSettings loaded{std::string(name), {}};
  config::Spec spec{.program = loaded.name, .argc = argc, .argv = argv};
  if constexpr (requires { Settings::kSummary; }) spec.summary = Settings::kSummary;
  config::Loader loader(std::move(spec));
  loader.bind(loaded.app);
  loader.bind(settings);
  if (auto done = loader.load(); !done) std::exit(config::report(done.error()));
  loaded.in_force = loader.settings();
  return loaded;
}

}  // namespace yun
