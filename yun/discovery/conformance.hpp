#pragma once
// What every resolver must do, as checks that a driver's test runs against it (also one that is not of this tree).
//
//     for (const auto& fault : block_on(discovery::check_resolver(ctx, {...}))) ADD_FAILURE() << fault;

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "yun/balance/resolver.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

struct ResolverUnderTest {
  /// A resolver of a service that has the endpoints given to the last publish().
  std::function<Result<std::unique_ptr<balance::Resolver>>()> make;
  /// Makes these "ip:port" the service's endpoints at the source, at once.
  std::function<void(std::vector<std::string> addresses)> publish;
  /// Takes the source away (true) or gives it back; unset if it cannot go away.
  std::function<void(bool away)> take_away = {};
  /// How long a change may take to be seen.
  Duration patience = std::chrono::seconds(10);
};

/// Runs all checks on the current loop; gives one line a fault, none if it conforms.
Task<std::vector<std::string>> check_resolver(Context& ctx, ResolverUnderTest given);

}  // namespace yun::discovery
