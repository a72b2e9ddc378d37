#pragma once
// Upstream: one logical service behind the gateway: its channel, the health of its endpoints and, for gRPC, what its reflection tells.

#include <memory>
#include <mutex>
#include <string>

#include "yun/gateway/upstream/health.hpp"
#include "yun/http/client/channel.hpp"
#include "yun/rpc/schema.hpp"

namespace yun::gateway {

class Upstream {
 public:
  /// `probes` checks health and must outlive this. InvalidArgument for a URL that no resolver knows.
  static Result<std::shared_ptr<Upstream>> open(UpstreamConfig config, http::Client& probes);
  ~Upstream();

  const UpstreamConfig& config() const { return config_; }
  /// Whether another configuration describes the same upstream, so that this one can serve on.
  bool serves(const UpstreamConfig& config) const;

  /// To its endpoints: those that health checks do not speak against.
  http::Channel& channel() { return *channel_; }

  /// What its health checks found; empty without any.
  std::vector<std::pair<std::string, bool>> verdicts() const { return health_ ? health_->verdicts() : std::vector<std::pair<std::string, bool>>{}; }

  /// The method as the upstream's reflection describes it. Unavailable, reason schema_unavailable, while it is not known.
  Result<std::pair<std::shared_ptr<const rpc::Schema>, const rpc::MethodType*>> method(const std::string& service, const std::string& name) const;

  /// Health checks and reflection, until `ctx` ends. `services`: those that routes speak of.
  Task<void> run(Context& ctx, std::vector<std::string> services);
  /// Whether reflection has ever told what it offers.
  bool has_schema() const;

 private:
  Upstream(UpstreamConfig config, http::Client& probes);
  Task<void> check_health(Context& ctx);
  Task<void> learn_schema(Context& ctx, std::vector<std::string> services);
  Task<Result<std::shared_ptr<const rpc::Schema>>> reflect(Context& ctx, const std::vector<std::string>& services);
  Task<Result<std::string>> ask_reflection(Context& ctx, std::string_view version, const std::string& service);

  UpstreamConfig config_;
  http::Client& probes_;
  std::shared_ptr<HealthTable> health_;
  std::unique_ptr<http::Channel> channel_;
  mutable std::mutex mutex_;
  std::shared_ptr<const rpc::Schema> schema_;
  std::string_view reflection_ = "v1";  ///< the version that its servers were seen to offer; learn_schema()'s own
};

}  // namespace yun::gateway
