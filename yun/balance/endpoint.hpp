#pragma once
// Endpoint: one place that serves a logical service; EndpointSet: all of them at one moment.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "yun/runtime/net.hpp"

namespace yun::balance {

struct Endpoint {
  runtime::Address address;
  /// What goes into Host or :authority and, with TLS, into SNI: the service's name, not the address, where there is a name.
  std::string authority;
  /// Share of the load relative to the others; 0 counts as 1.
  unsigned weight = 1;
  /// What discovery knows of it (zone, version); free text.
  std::map<std::string, std::string> labels;
  bool operator==(const Endpoint&) const = default;
};

struct EndpointSet {
  /// Grows with every change; 0 only before the first answer.
  std::uint64_t revision = 0;
  std::vector<Endpoint> endpoints;
};

}  // namespace yun::balance
