#pragma once
// Two routes of the same rank that some request fits equally well: a coin toss, so a fault of the configuration. Inside the room.

#include <cstddef>
#include <functional>

#include "yun/gateway/config/config.hpp"

namespace yun::gateway {

/// Calls `tie(later, earlier)` with the places of each two such routes, in the order of the file, until it gives false. Linear in the number of routes
/// as long as few of them have the same path, host, headers and query.
void find_ties(const RouteList& routes, const std::function<bool(std::size_t later, std::size_t earlier)>& tie);

}  // namespace yun::gateway
