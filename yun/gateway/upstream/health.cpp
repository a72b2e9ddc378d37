#include "yun/gateway/upstream/health.hpp"

namespace yun::gateway {

bool HealthTable::report(const runtime::Address& address, bool well) {
  std::lock_guard lock(mutex_);
  State& state = states_[address.to_string()];
  if (well == state.healthy) {
    state.in_a_row = 0;
    return false;
  }
  if (++state.in_a_row < (well ? check_.healthy_after : check_.unhealthy_after)) return false;
  state = {well, 0};
  ++revision_;
  std::erase_if(subscribers_, [](const Subscriber& subscriber) { return subscriber.changed.expired(); });
  for (const Subscriber& subscriber : subscribers_) {
    subscriber.loop->post([changed = subscriber.changed] {
      if (const auto held = changed.lock()) held->set();
    });
  }
  return true;
}

bool HealthTable::is_healthy(const runtime::Address& address) const {
  std::lock_guard lock(mutex_);
  const auto found = states_.find(address.to_string());
  return found == states_.end() || found->second.healthy;
}

std::vector<std::pair<std::string, bool>> HealthTable::verdicts() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, bool>> all;
  for (const auto& [address, state] : states_) all.emplace_back(address, state.healthy);
  return all;
}

std::uint64_t HealthTable::revision() const {
  std::lock_guard lock(mutex_);
  return revision_;
}

std::shared_ptr<runtime::Event> HealthTable::subscribe() {
  auto changed = std::make_shared<runtime::Event>();
  std::lock_guard lock(mutex_);
  subscribers_.push_back({&runtime::Loop::current(), changed});
  return changed;
}

HealthyResolver::HealthyResolver(std::unique_ptr<balance::Resolver> inner, std::shared_ptr<HealthTable> table)
    : inner_(std::move(inner)), table_(std::move(table)), changed_(table_->subscribe()) {}

balance::EndpointSet HealthyResolver::filtered(const balance::EndpointSet& all) {
  balance::EndpointSet set;
  for (const auto& endpoint : all.endpoints) {
    if (table_->is_healthy(endpoint.address)) set.endpoints.push_back(endpoint);
  }
  if (set.endpoints.empty()) set.endpoints = all.endpoints;
  set.revision = last_.revision + (last_.revision == 0 || set.endpoints != last_.endpoints ? 1 : 0);
  last_ = set;
  return set;
}

Task<Result<balance::EndpointSet>> HealthyResolver::resolve(Context& ctx) {
  YUN_TRY(all, co_await inner_->resolve(ctx));
  co_return filtered(all);
}

Task<Result<balance::EndpointSet>> HealthyResolver::next(Context& ctx, std::uint64_t revision) {
  for (;;) {
    changed_->reset();
    YUN_TRY(all, co_await inner_->resolve(ctx));
    const balance::EndpointSet set = filtered(all);
    if (set.revision != revision) co_return set;
    // A verdict wakes this at once; what the inner resolver learns is looked at each second.
    Context slice(ctx, std::chrono::seconds(1));
    (void)co_await changed_->wait(slice);
    if (auto going_on = ctx.check(); !going_on) co_return std::move(going_on).error();
  }
}

}  // namespace yun::gateway
