#pragma once
// Snapshot: one configuration made ready to serve. Immutable, shared by all loops; what it holds may have state of its own.

#include <memory>
#include <vector>

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

/// A limit of one route; its counts live on while the limit is the same.
struct Limiter {
  LimitConfig config;
  std::unique_ptr<resilience::KeyedLimiter> buckets;
};

struct Snapshot {
  Config config;
  std::unique_ptr<Table> table;  ///< points into config.routes
  std::vector<std::shared_ptr<Upstream>> upstreams;
  std::vector<std::shared_ptr<Auth>> auth;
  std::vector<std::shared_ptr<Limiter>> limiters;  ///< one a route, null where there is no limit
  std::vector<std::string_view> patterns;          ///< one a route, for logs and metrics

  std::size_t index_of(const RouteConfig& route) const { return static_cast<std::size_t>(&route - config.routes.data()); }
};

}  // namespace yun::gateway
