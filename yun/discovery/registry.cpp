#include "yun/discovery/registry.hpp"

namespace yun::discovery {

Result<void> check_reachable(const Instance& instance) {
  if (instance.service.empty() || instance.id.empty()) return invalid_argument("an instance needs a service and an id");
  if (instance.address.size() == 0 || instance.address.is_unix()) return invalid_argument("instance '" + instance.id + "' has no IP address");
  return {};
}

Task<Result<void>> StaticRegistry::register_self(Context&, Instance instance) {
  if (instance.service.empty() || instance.id.empty()) co_return invalid_argument("an instance needs a service and an id");
  if (instance.address.size() == 0) co_return invalid_argument("instance '" + instance.id + "' has no address");
  co_return Result<void>();
}

Task<Result<void>> StaticRegistry::deregister(Context&) { co_return Result<void>(); }

}  // namespace yun::discovery
