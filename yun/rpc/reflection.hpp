#pragma once
// Server reflection (grpc.reflection.v1 and v1alpha) from the descriptors that are linked into the program.

#include <memory>
#include <string>
#include <vector>

#include "yun/rpc/service.hpp"

namespace yun::rpc {

/// `services` (full names) is what list_services gives; it must outlive the service and be complete before the first call.
std::unique_ptr<Service> reflection_v1(const std::vector<std::string>& services);
std::unique_ptr<Service> reflection_v1alpha(const std::vector<std::string>& services);

}  // namespace yun::rpc
