#pragma once
// Gateway: an http::Handler that sends requests on by a Config.
//
//     Gateway gateway({.client = &app.client(), .metrics = &app.metrics(), .state_folder = "data"});
//     YUN_GET(config, Config::load("gateway.yaml"));
//     gateway.apply(std::move(config));                       // again with a new one: one atomic swap
//     app.set_handler(gateway);
//     app.background([&](Context& ctx) { return gateway.run(ctx); });
//     app.ready_when("gateway", [&] { return gateway.missing(); });
//
// Reloader (reloader.hpp) does the first two lines, and follows the file.
//
// Guarantees: a request sees one configuration from its beginning to its end. What a new configuration keeps (upstreams, key sets and limits
// that are described as before) keeps its state: connections, health, counts.

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "yun/gateway/config/config.hpp"
#include "yun/http/message.hpp"
#include "yun/json/value.hpp"
#include "yun/runtime/wait.hpp"

namespace yun {
namespace http {
class Client;
}
namespace observe::metrics {
class Registry;
}
}  // namespace yun

namespace yun::gateway {

struct Snapshot;
class Discarded;
class Patterns;

struct GatewayOptions {
  http::Client* client = nullptr;                ///< must outlive the gateway
  observe::metrics::Registry* metrics = nullptr;  ///< must outlive the gateway
  std::string state_folder;                      ///< where the last good key sets are kept; "" = nowhere
};

class Gateway final : public http::Handler {
 public:
  explicit Gateway(GatewayOptions options);
  ~Gateway() override;

  /// From now on requests follow `config`. On loop 0, or before run(). InvalidArgument (an upstream's URL that no resolver knows) changes nothing.
  Result<void> apply(Config config);
  /// The part of apply() that takes time, on any thread; no two at once. apply() of what it gives takes microseconds, however many routes there are.
  std::shared_ptr<Snapshot> prepare(Config config);
  Result<void> apply(std::shared_ptr<Snapshot> prepared);
  /// For /metrics: a configuration that did not get as far as apply() had faults.
  void count_refused();
  /// Frees, on any thread, the configurations that no request uses any more; prepare() does so too.
  void free_discarded();
  /// Health checks, key sets and schemas, until `ctx` ends. Spawn it once, on loop 0.
  Task<void> run(Context& ctx);
  /// What the configuration in force needs and run() has not got yet, in words: key sets, the methods of gRPC upstreams. "" = nothing. Any thread.
  std::string missing() const;
  /// The configuration in force and how its upstreams do, as this loop sees it; for a debug page. On a loop.
  json::Value describe() const;

  Task<void> handle(Context& ctx, http::Request& request, http::Response& response) override;

 private:
  std::shared_ptr<const Snapshot> in_force() const;
  std::shared_ptr<const Snapshot> current();
  void forget_loops();
  /// Loops that serve nothing at the moment let go of the old configuration too.
  void tell_loops();
  Task<void> answer(std::shared_ptr<const Snapshot> snapshot, std::size_t index, Context& ctx, http::Request& request,
                    http::Response& response);

  GatewayOptions options_;
  struct Metrics;
  std::unique_ptr<Metrics> metrics_;
  std::shared_ptr<Discarded> discarded_;
  std::unique_ptr<Patterns> patterns_;  ///< outlives the snapshots below
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::atomic<std::uint64_t> version_{0};
  struct Cached {
    std::uint64_t version = 0;
    std::shared_ptr<const Snapshot> snapshot;
  };
  std::array<Cached, 64> cached_;  ///< by loop
  std::array<runtime::Loop*, 64> loops_{};  ///< those that have served since run() began; under mutex_
  runtime::Event changed_;
};

}  // namespace yun::gateway
