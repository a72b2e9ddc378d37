#pragma once
// How an instance is written into etcd. Private to the driver.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/balance/endpoint.hpp"
#include "yun/discovery/registry.hpp"

namespace yun::discovery {

/// "services/users/", from the path of a resolver's URL ("users") and of a registry's ("" or "services") with a service.
std::string etcd_prefix_of(std::string_view path);
std::string etcd_key_of(std::string_view prefix, const Instance& instance);

std::string etcd_value_of(const Instance& instance, const std::vector<std::string>& tags);
/// nullopt for a value that is none of ours, and for one without all of `tags`.
std::optional<balance::Endpoint> etcd_endpoint_of(std::string_view value, const std::string& service, const std::vector<std::string>& tags);

}  // namespace yun::discovery
