#pragma once
// AppSettings: what every program built on App can be told, by flag (--listen), variable (YUN_LISTEN) or file (listen:).

#include <cstdlib>
#include <string>
#include <string_view>

#include "yun/base/units.hpp"
#include "yun/config/load.hpp"

namespace yun {

struct AppSettings {
  std::string listen = ":8080";
  std::string admin = "";
  unsigned loops = 0;
  Duration ready_timeout = std::chrono::seconds(30);
  Duration drain_delay{};
  Duration grace = std::chrono::seconds(10);
  struct Log {
    std::string level = "info";
    std::string output = "stdout";
    static constexpr config::Doc kDocs[] = {{"level", "debug, info, warn, error or off"}, {"output", "stdout, stderr, none or a file"}};
  } log;
  struct Tls {
    std::string certificate = "";
    std::string key = "";
    static constexpr config::Doc kDocs[] = {{"certificate", "file (PEM); set, the service port speaks TLS only"}, {"key", "file (PEM)"}};
  } tls;
  struct Trace {
    double ratio = 0.1;
    static constexpr config::Doc kDocs[] = {{"ratio", "share of new traces that are sampled, 0 to 1"}};
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
};

/// Fills `settings` and gives the App's own. Ends the program: 2 for wrong usage, 0 for --help.
template <typename Settings>
LoadedSettings load_app_settings(std::string_view name, int argc, char** argv, Settings& settings) {
  LoadedSettings loaded{std::string(name), {}};
  config::Loader loader({.program = loaded.name, .argc = argc, .argv = argv});
  loader.bind(loaded.app);
  loader.bind(settings);
  if (auto done = loader.load(); !done) std::exit(config::report(done.error()));
  return loaded;
}

}  // namespace yun
