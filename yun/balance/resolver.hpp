#pragma once
// Resolver: the endpoints of one logical service, now and as they change. Discovery's drivers implement it; channels consume it.
//
//     YUN_TRY(set, co_await resolver->resolve(ctx));
//     for (;;) { auto changed = co_await resolver->next(ctx, set.revision); ... }
//
// A resolver lives on one loop; each loop has its own.

#include <memory>
#include <string>
#include <string_view>

#include "yun/balance/endpoint.hpp"
#include "yun/base/result.hpp"
#include "yun/observe/context.hpp"
#include "yun/runtime/task.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::balance {

class Resolver {
 public:
  virtual ~Resolver() = default;
  /// The endpoints now: the last known good ones if the source is away for the moment. Unavailable (reason `no_endpoints`) if none were
  /// ever known; NotFound is not used: a service that has no endpoint today may have one tomorrow.
  virtual Task<Result<EndpointSet>> resolve(Context& ctx) = 0;
  /// Waits until the set differs from the one that had `revision` and gives it. A source that is away is no error here: it is tried
  /// again with back-off, for ever. Only the Context ends the wait. One waiter at a time.
  virtual Task<Result<EndpointSet>> next(Context& ctx, std::uint64_t revision) = 0;
  /// A hint that the known endpoints fail: look again soon. May be ignored, never blocks, is rate limited by the driver.
  virtual void refresh() {}
  /// For messages: "dns://users.svc:8080".
  virtual std::string_view name() const = 0;
};

/// Endpoints that are given, not found. set() makes it a source for tests and for programs that know their own endpoints.
class StaticResolver final : public Resolver {
 public:
  explicit StaticResolver(std::vector<Endpoint> endpoints, std::string name = "static");
  Task<Result<EndpointSet>> resolve(Context& ctx) override;
  Task<Result<EndpointSet>> next(Context& ctx, std::uint64_t revision) override;
  std::string_view name() const override { return name_; }
  /// On the resolver's loop.
  void set(std::vector<Endpoint> endpoints);

 private:
  EndpointSet set_;
  std::string name_;
  runtime::Event changed_;
};

/// The resolver of a URL, for the schemes that need no driver:
///   static://127.0.0.1:8081,127.0.0.1:9090?authority=users    addresses; a weight behind '*': 127.0.0.1:8081*3; unix:/run/x.sock
///   dns://users.svc:8080    every A and AAAA record; dns://_grpc._tcp.users.svc    SRV records (ports and weights come from them);
///                           ?server=127.0.0.1:5353 asks that name server
///   http://host:port  https://host:port    static for an address, else dns; 80 and 443 if no port is given
/// InvalidArgument names what is wrong. discovery::open knows the other drivers.
Result<std::unique_ptr<Resolver>> open(std::string_view url);

}  // namespace yun::balance
