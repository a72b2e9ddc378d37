// The API gateway.
//
//     gateway --listen 127.0.0.1:8080 --routes apps/gateway/gateway.yaml
//     gateway check FILE           0: good; 1: its faults, one a line; 2: wrong usage
//
// SIGHUP or a changed file is a new configuration: taken whole, or refused with its faults while the old one stays.

#include <cstdio>

#include "yun/config/source.hpp"
#include "yun/gateway/gateway.hpp"
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

/// The file's text whenever it changed, taken or refused.
void reload(gateway::Gateway& gateway, const std::string& path) {
  auto config = gateway::Config::load(path);
  Result<void> applied = config ? gateway.apply(std::move(*config)) : Result<void>(config.error());
  if (applied) {
    log::info("configuration applied", {{"file", path}});
  } else {
    log::error("configuration refused; the old one stays", {{"file", path}, {"error", applied.error().message()}});
  }
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
  auto config = gateway::Config::load(settings.routes);
  if (!config) return app.fail(config.error());
  if (auto applied = gateway.apply(std::move(*config)); !applied) return app.fail(applied.error());

  app.set_handler(gateway);
  app.background([&](Context& ctx) { return gateway.run(ctx); });
  app.ready_when("gateway", [&] { return gateway.missing(); });
  app.on_reload([&] { reload(gateway, settings.routes); });
  app.watch_file(settings.routes, [&] { reload(gateway, settings.routes); });
  return app.run();
}
