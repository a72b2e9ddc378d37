#pragma once
// Endpoints: a service as one loop sees it: what its resolver tells, the choice among it, and how much may be tried again.

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "yun/balance/balancer.hpp"
#include "yun/balance/resolver.hpp"
#include "yun/resilience/retry.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::client {

class Endpoints {
 public:
  /// A resolver that could not be made is what every call gets.
  Endpoints(Result<std::unique_ptr<balance::Resolver>> resolver, balance::Balancer::Options balance, resilience::RetryBudgetOptions budget);
  /// For PerLoop: on its loop, once.
  void close();
  /// Follows the resolver until close(). Spawn it once, on the loop.
  static Task<void> watch(std::shared_ptr<Endpoints> self);

  /// True once the resolver has answered, well or not; known() waits for it (-> Result<void>).
  bool is_known() const { return known_.is_set(); }
  runtime::Event::Wait known(Cancel& cancel) { return known_.wait(cancel); }

  /// The next endpoint to try. The resolver's error while none has ever been found, else as Balancer::pick.
  Result<balance::Balancer::Pick> pick(std::string_view key, const std::vector<runtime::Address>& avoid);
  /// Ends a try that got no answer. After a failed connect the resolver looks again.
  void report_failed(balance::Balancer::Pick& pick, balance::Outcome outcome);

  balance::Balancer& balancer() { return balancer_; }
  resilience::RetryBudget& budget() { return budget_; }

 private:
  std::unique_ptr<balance::Resolver> resolver_;
  balance::Balancer balancer_;
  resilience::RetryBudget budget_;
  runtime::Event known_;
  std::optional<Error> failure_;  ///< of the last look-up, while none has ever succeeded
  Context stop_;
};

}  // namespace yun::http::client
