#pragma once
// Registry: where a running program makes itself known, so that resolvers elsewhere find it.
//
//     YUN_TRY(registry, discovery::open_registry(url));
//     YUN_CHECK(co_await registry->register_self(ctx, {.service = "users", .id = id, .address = address}));
//     ...                                                    // serving
//     YUN_CHECK(co_await registry->deregister(ctx));         // first thing of a shutdown, before the drain

#include <map>
#include <string>

#include "yun/base/result.hpp"
#include "yun/observe/context.hpp"
#include "yun/runtime/net.hpp"
#include "yun/runtime/task.hpp"

namespace yun::discovery {

struct Instance {
  std::string service;  ///< the logical name resolvers ask for
  std::string id;       ///< unique among the service's instances
  runtime::Address address;
  unsigned weight = 1;
  std::map<std::string, std::string> labels = {};
};

class Registry {
 public:
  virtual ~Registry() = default;
  /// Makes `instance` known and keeps it so (heartbeats run on this loop) until deregister(). Registering again replaces it. Unavailable if the
  /// registry is away: the driver goes on trying; InvalidArgument for an instance without service, id or address.
  virtual Task<Result<void>> register_self(Context& ctx, Instance instance) = 0;
  /// Takes it away again; without a registration nothing happens. An error means that others may see it until its time to live is over.
  virtual Task<Result<void>> deregister(Context& ctx) = 0;
};

/// For drivers: InvalidArgument for an instance without service, id or IP address.
Result<void> check_reachable(const Instance& instance);

/// For services whose addresses are written down: checks the instance and does nothing.
class StaticRegistry final : public Registry {
 public:
  Task<Result<void>> register_self(Context& ctx, Instance instance) override;
  Task<Result<void>> deregister(Context& ctx) override;
};

}  // namespace yun::discovery
