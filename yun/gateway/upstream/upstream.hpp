#pragma once
// Upstream: one logical service behind the gateway: its channel, the health of its endpoints and, for gRPC, what its reflection tells.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "yun/balance/balancer.hpp"
#include "yun/gateway/upstream/health.hpp"
#include "yun/http/client/per_loop.hpp"
#include "yun/http/message.hpp"
#include "yun/rpc/schema.hpp"

namespace yun::http {
class Client;
}  // namespace yun::http

namespace yun::gateway {

class Upstream {
 public:
  /// `probes` checks health and must outlive this. InvalidArgument for a URL that no resolver knows.
  static Result<std::shared_ptr<Upstream>> open(UpstreamConfig config, http::Client& probes);
  ~Upstream();

  const UpstreamConfig& config() const { return config_; }
  /// Whether another configuration describes the same upstream, so that this one can serve on.
  bool serves(const UpstreamConfig& config) const;

  /// Sends to one endpoint; the outcome counts for its ejection. Errors as http::Channel::send.
  Task<Result<http::Response>> send(Context& ctx, http::Request request);

  /// The method as the upstream's reflection describes it. Unavailable, reason schema_unavailable, while it is not known.
  Result<std::pair<std::shared_ptr<const rpc::Schema>, const rpc::MethodType*>> method(const std::string& service, const std::string& name) const;

  /// Health checks and reflection, until `ctx` ends. `services`: those that routes speak of.
  Task<void> run(Context& ctx, std::vector<std::string> services);

 private:
  Upstream(UpstreamConfig config, http::Client& probes);
  Task<void> check_health(Context& ctx);
  Task<void> learn_schema(Context& ctx, std::vector<std::string> services);
  Task<Result<std::shared_ptr<const rpc::Schema>>> reflect(Context& ctx, const std::vector<std::string>& services);

  /// One loop's view of the endpoints.
  struct Endpoints {
    explicit Endpoints(std::unique_ptr<balance::Resolver> from, balance::Balancer::Options options)
        : resolver(std::move(from)), balancer(options) {}
    void close() { stop.cancel(); }
    std::unique_ptr<balance::Resolver> resolver;
    balance::Balancer balancer;
    runtime::Event known;
    Context stop;
  };
  std::shared_ptr<Endpoints> endpoints();
  static Task<void> watch(std::shared_ptr<Endpoints> endpoints);

  UpstreamConfig config_;
  http::Client& probes_;
  std::unique_ptr<http::Client> client_;
  std::shared_ptr<HealthTable> health_;
  http::client::PerLoop<Endpoints> per_loop_;
  mutable std::mutex mutex_;
  std::shared_ptr<const rpc::Schema> schema_;
};

}  // namespace yun::gateway
