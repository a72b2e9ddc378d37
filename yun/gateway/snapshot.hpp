#pragma once
// Snapshot: one configuration made ready to serve. Immutable, shared by all loops; what it holds may have state of its own.

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "yun/cache/redis/limiter.hpp"
#include "yun/gateway/config/config.hpp"
#include "yun/gateway/route/table.hpp"
#include "yun/gateway/upstream/upstream.hpp"
#include "yun/http/auth/verifier.hpp"
#include "yun/resilience/token_bucket.hpp"

namespace yun::gateway {

/// A key set and who checks against it, with the configuration it was made from.
struct Auth {
  AuthConfig config;
  std::unique_ptr<http::TokenVerifier> verifier;
};

/// The Redis of shared limits, with the configuration it was made from.
struct LimitStore {
  LimitStoreConfig config;
  cache::redis::Client client;
};

/// A limit of one route; its counts live on while the limit is the same.
struct Limiter {
  LimitConfig config;
  std::shared_ptr<LimitStore> store;                     ///< null: the buckets are this gateway's own
  std::unique_ptr<resilience::KeyedLimiter> buckets;     ///< without a store
  std::unique_ptr<cache::redis::SharedLimiter> shared;   ///< with one

  /// On any loop; never waits.
  resilience::LimitDecision take(std::string_view key, TimePoint now) { return shared ? shared->take(key, now) : buckets->take(key, now); }
};

struct Snapshot {
  Config config;
  std::unique_ptr<Table> table;  ///< points into config.routes
  std::vector<std::shared_ptr<Upstream>> upstreams;
  std::vector<std::shared_ptr<Auth>> auth;
  std::shared_ptr<LimitStore> limit_store;         ///< null without shared limits
  std::vector<std::shared_ptr<Limiter>> limiters;  ///< one a route, null where there is no limit
  std::vector<std::string_view> patterns;          ///< one a route, for logs and metrics
  std::vector<std::vector<std::string>> services;  ///< one an upstream: the gRPC services that its routes speak of, sorted
};

/// Paths of routes, kept for as long as the gateway: requests and metrics hold views of them. Thread-safe.
class Patterns {
 public:
  std::string_view keep(const std::string& pattern);

 private:
  std::mutex mutex_;
  std::set<std::string, std::less<>> all_;
};

/// Snapshots that serve no request any more, until somebody who has the time frees them: 5,000 routes are a millisecond. Thread-safe.
class Discarded {
 public:
  void add(std::unique_ptr<Snapshot> snapshot);
  void free();

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Snapshot>> all_;
};

/// A snapshot but for the upstreams and key sets that are new (null in it), on any thread. `old` (may be null) is the one in force: upstreams, key sets and
/// limits that are described as in it go on. `metrics` counts what Redis is asked. When the last request lets go of the snapshot it goes to `discarded`; its upstreams and key sets end then and there.
std::shared_ptr<Snapshot> compile(Config config, const Snapshot* old, Patterns& patterns, std::shared_ptr<Discarded> discarded,
                                  observe::metrics::Registry* metrics);

}  // namespace yun::gateway
