// The API gateway.
//
//     gateway --listen 127.0.0.1:8080 --routes apps/gateway/gateway.yaml
//     gateway check FILE           0: good; 1: its faults, one a line; 2: wrong usage
//
// A file that was replaced, or written and closed, is a new configuration at once; SIGHUP has it read as well. It is taken whole, or refused with its
// faults while the old one stays.

#include <cstdio>

#include "apps/backends.hpp"
#include "yun/gateway/reloader.hpp"
#include "yun/yun.hpp"

namespace {

using namespace yun;

struct Settings {
  std::string routes = "apps/gateway/gateway.yaml";
  std::string data = "./data";
  static constexpr std::string_view kSummary = "The API gateway. `gateway check FILE` says whether a file of routes is good (0) or what is wrong with it (1).";
  static constexpr config::Doc kDocs[] = {
      {"routes", "file of upstreams, auth and routes; read again on SIGHUP and when it changes"},
      {"data", "folder for the last key sets"},
  };
};

int check(const char* path) {
  auto config = gateway::Config::load(path);
  if (config) {
    std::printf("%s: %zu routes, %zu upstreams\n", path, config->routes.size(), config->upstreams.size());
    return 0;
  }
  std::fprintf(stderr, "%s\n", config.error().message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 2 && std::string_view(argv[1]) == "check") {
    if (argc == 3) return check(argv[2]);
    std::fprintf(stderr, "usage: gateway check FILE\n");
    return 2;
  }
  Settings settings;
  App app("gateway", argc, argv, settings);
  gateway::Gateway gateway({.client = &app.client(), .metrics = &app.metrics(), .state_folder = settings.data});
  gateway::Reloader reloader(gateway, settings.routes);
  if (auto loaded = reloader.load(); !loaded) return app.fail(loaded.error());

  if (const std::string registry = shop::registry_url(); !registry.empty()) {
    if (auto known = app.register_service(registry, "gateway"); !known) return app.fail(known.error());
  }
  app.set_handler(gateway);
  app.background([&](Context& ctx) { return gateway.run(ctx); });
  app.ready_when("gateway", [&] { return gateway.missing(); });
  app.background([&](Context& ctx) { return reloader.run(ctx); });
  app.debug_page("gateway", "Gateway", "The configuration in force, and its upstreams as the loop that answers here sees them.", [&] { return gateway.describe(); });
  app.on_reload([&] { reloader.again(); });
  return app.run();
}
