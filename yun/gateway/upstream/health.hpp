#pragma once
// Active health of an upstream's endpoints: one checker a program, one verdict for every loop.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "yun/balance/resolver.hpp"
#include "yun/gateway/config/config.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::gateway {

/// Verdicts by address, kept across reloads. Thread-safe.
class HealthTable {
 public:
  explicit HealthTable(HealthCheck check) : check_(std::move(check)) {}

  const HealthCheck& check() const { return check_; }
  /// One probe's outcome. True if the verdict changed.
  bool report(const runtime::Address& address, bool well);
  /// Unknown endpoints are healthy until shown otherwise.
  bool is_healthy(const runtime::Address& address) const;
  /// Every endpoint that was ever probed, and whether it is healthy.
  std::vector<std::pair<std::string, bool>> verdicts() const;
  /// Grows with every change of a verdict.
  std::uint64_t revision() const;
  /// Set on the current loop whenever a verdict changes, as long as it is held.
  std::shared_ptr<runtime::Event> subscribe();

 private:
  struct State {
    bool healthy = true;
    int in_a_row = 0;  ///< probes against the verdict
  };
  struct Subscriber {
    runtime::Loop* loop;
    std::weak_ptr<runtime::Event> changed;
  };
  HealthCheck check_;
  mutable std::mutex mutex_;
  std::map<std::string, State> states_;
  std::uint64_t revision_ = 0;
  std::vector<Subscriber> subscribers_;
};

/// The healthy ones of another resolver's endpoints; all of them when none is healthy (better a try than a certain no).
class HealthyResolver final : public balance::Resolver {
 public:
  HealthyResolver(std::unique_ptr<balance::Resolver> inner, std::shared_ptr<HealthTable> table);
  Task<Result<balance::EndpointSet>> resolve(Context& ctx) override;
  Task<Result<balance::EndpointSet>> next(Context& ctx, std::uint64_t revision) override;
  void refresh() override { inner_->refresh(); }
  std::string_view name() const override { return inner_->name(); }

 private:
  balance::EndpointSet filtered(const balance::EndpointSet& all);
  std::unique_ptr<balance::Resolver> inner_;
  std::shared_ptr<HealthTable> table_;
  std::shared_ptr<runtime::Event> changed_;
  balance::EndpointSet last_;
};

}  // namespace yun::gateway
