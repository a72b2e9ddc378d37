#include "yun/http/client/endpoints.hpp"

namespace yun::http::client {

namespace {
constexpr Duration kLookAgain = std::chrono::seconds(1);
}

Endpoints::Endpoints(Result<std::unique_ptr<balance::Resolver>> resolver, balance::Balancer::Options balance, resilience::RetryBudgetOptions budget)
    : balancer_(balance), budget_(budget), stop_(runtime::Loop::current().root()) {
  if (resolver) {
    resolver_ = std::move(*resolver);
    return;
  }
  failure_ = std::move(resolver).error();
  known_.set();
}

void Endpoints::close() { stop_.cancel(); }

Task<void> Endpoints::watch(std::shared_ptr<Endpoints> self) {
  std::uint64_t revision = 0;
  while (self->resolver_ && !self->stop_.done()) {
    Result<balance::EndpointSet> set = unavailable("not resolved");
    if (revision == 0) {
      set = co_await self->resolver_->resolve(self->stop_);
    } else {
      set = co_await self->resolver_->next(self->stop_, revision);
    }
    if (set) {
      revision = std::max<std::uint64_t>(set->revision, 1);
      self->balancer_.update(*set);
      self->failure_.reset();
      self->known_.set();
      continue;
    }
    if (revision == 0) self->failure_ = set.error();  // calls get it until a look-up succeeds
    self->known_.set();
    (void)co_await runtime::sleep_for(self->stop_, kLookAgain);  // a stop is seen by the loop's condition
  }
  if (self->stop_.done()) self->failure_ = cancelled("the channel is closed");
}

Result<balance::Balancer::Pick> Endpoints::pick(std::string_view key, const std::vector<runtime::Address>& avoid) {
  if (failure_) return *failure_;
  return balancer_.pick(key, avoid);
}

void Endpoints::report_failed(balance::Balancer::Pick& pick, balance::Outcome outcome) {
  pick.report(outcome);
  if (outcome == balance::Outcome::ConnectFailure && resolver_) resolver_->refresh();
}

}  // namespace yun::http::client
