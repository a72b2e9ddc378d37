#pragma once
// App: one object that wires everything a service needs. What it gives without being asked: JSON handlers, /health, access log, metrics, traces,
// OpenAPI, limits and timeouts, an admin listener, drain on SIGTERM.
//
//     int main(int argc, char** argv) {
//       yun::App app{"hello", argc, argv};
//       app.get("/api/users/{id}", [](yun::Path<"id"> id) { return User{*id, "user_" + *id}; });
//       return app.run();
//     }
//
// Settings of a program's own are a plain struct; they are read from flags, YUN_ variables and --config together with the App's:
//
//     struct Settings { std::string data = "./data"; };
//     Settings settings;
//     yun::App app{"order", argc, argv, settings};          // --data DIR, YUN_DATA, data: in the file
//
// Everything is added before run(); handlers are called on every loop at once.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "yun/app/settings.hpp"
#include "yun/http/router/router.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun {

namespace http {
class Client;
class Server;
}  // namespace http
namespace rpc {
class Channel;
struct ChannelOptions;
class Server;
}  // namespace rpc
namespace cache {
class Cache;
}
namespace sql {
class Pool;
struct PoolOptions;
}
namespace http {
class Channel;
}
namespace json {
class Value;
}

class App {
 public:
  /// Reads the settings. Wrong usage prints what is wrong and ends the program with 2; --help prints all settings and ends it with 0.
  App(std::string_view name, int argc, char** argv);
  /// `settings` keeps its defaults where nothing is given.
  template <typename Settings>
  App(std::string_view name, int argc, char** argv, Settings& settings) : App(load_app_settings(name, argc, argv, settings)) {}
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  template <typename F>
  http::Operation& get(std::string_view pattern, F handler) {
    return router().get(pattern, std::move(handler));
  }
  template <typename F>
  http::Operation& post(std::string_view pattern, F handler) {
    return router().post(pattern, std::move(handler));
  }
  template <typename F>
  http::Operation& put(std::string_view pattern, F handler) {
    return router().put(pattern, std::move(handler));
  }
  template <typename F>
  http::Operation& patch(std::string_view pattern, F handler) {
    return router().patch(pattern, std::move(handler));
  }
  template <typename F>
  http::Operation& del(std::string_view pattern, F handler) {
    return router().del(pattern, std::move(handler));
  }
  /// Handlers that ask for a `T&` get this one.
  template <typename T>
  App& provide(T& service) {
    router().provide(service);
    return *this;
  }
  http::Router& router();
  /// Answers all that is not /health instead of the router: for a gateway. Must outlive the App.
  void set_handler(http::Handler& handler);
  /// gRPC on the service port, from the first call on. Health follows readiness.
  rpc::Server& grpc();
  /// GET /metrics on the service port too.
  App& metrics_on_service_port();

  observe::metrics::Registry& metrics();
  /// For calls to other services: pooled per loop, deadlines and trace passed on.
  http::Client& client();

  /// Opens a database ("sqlite:///var/lib/shop.db") with metrics, spans and failure logs.
  Result<sql::Pool> open_sql(const std::string& url);
  /// The same; `options.metrics` is the App's.
  Result<sql::Pool> open_sql(const std::string& url, sql::PoolOptions options);
  /// Opens a cache ("memory://?max=64MiB", "redis://127.0.0.1:6379/0") with metrics under `name`.
  Result<cache::Cache> open_cache(const std::string& url, const std::string& name);
  /// Opens a gRPC channel ("static://127.0.0.1:8081", "dns://users:8080").
  Result<std::shared_ptr<rpc::Channel>> open_rpc(const std::string& url);
  /// The same; `options.registry` and `options.resolver` are the App's.
  Result<std::shared_ptr<rpc::Channel>> open_rpc(const std::string& url, rpc::ChannelOptions options);
  /// Opens a channel of HTTP to a service that is found the same way ("consul://127.0.0.1:8500/users").
  Result<std::shared_ptr<http::Channel>> open_http(const std::string& url);
  /// GET of a small text (64 KiB), for key sets and the like. Any status but 200 is an Error.
  Task<Result<std::string>> fetch_text(Context& ctx, std::string url);
  Task<Result<std::string>> fetch_text(Context& ctx, http::Channel& channel, std::string path);
  /// Makes this program known as an instance of `service` in a registry ("consul://127.0.0.1:8500?check=http") once it is ready, by the address of --advertise
  /// or its own, and takes it away first thing of the drain. Its label `metrics_port` says on which port /metrics is. A registry that is away is no failure: it is tried until it is back. InvalidArgument for the URL.
  Result<void> register_service(const std::string& url, const std::string& service);

  /// Runs on loop 0, in order, before readiness: migrations, warm-up. An error ends run() with 1.
  void before_serving(std::function<Task<Result<void>>(Context&)> step);
  /// Runs on loop 0 while the service runs; its Context is cancelled at the end of the drain, and it is waited for.
  void background(std::function<Task<void>(Context&)> job);
  /// /health says ready only once `missing()`, asked on loop 0, gives "", and not what is missing, in words ("the key set of .."). Past `ready_timeout` the log
  /// says what is missing and /health ready, so that what never comes keeps nobody out; what was there once is not asked for again. Requests are served
  /// meanwhile. /readyz of the admin listener lists the checks.
  void ready_when(std::string name, std::function<std::string()> missing);
  /// A page of the program's own at /debug/<name> of the admin listener; `describe` is called on the loop that serves it, on several at once, and must not
  /// wait. An object is shown as a table of names and values, a list of objects as a table (yun/app/debug/pages.hpp).
  App& debug_page(std::string name, std::string title, std::string about, std::function<json::Value()> describe);
  /// Called on SIGHUP, on loop 0.
  void on_reload(std::function<void()> reload);
  /// Called, on loop 0, soon after the file was changed or replaced.
  void watch_file(std::string path, std::function<void()> changed);

  /// Says `error` on one line and in the log, and gives 1: `if (!pool) return app.fail(pool.error());`
  int fail(const Error& error);
  /// Serves until SIGTERM or SIGINT, then drains. 0, or 1 if it could not start or had to break off work.
  int run();

  /// A file and whom to tell.
  struct FileWatch {
    std::string path;
    std::function<void()> changed;
  };

 private:
  explicit App(LoadedSettings settings);
  Task<void> live(http::Server& service, http::Server& admin, runtime::Address bound);
  void set_ready(bool ready, std::string_view phase);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yun
