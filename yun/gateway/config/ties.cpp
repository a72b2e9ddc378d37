#include "yun/gateway/config/ties.hpp"

#include <algorithm>
#include <unordered_map>

namespace yun::gateway {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::size_t mix(std::size_t seed, std::size_t value) { return seed ^ (value + 0x9e3779b97f4a7c15U + (seed << 12) + (seed >> 4)); }
std::size_t mix(std::size_t seed, std::string_view text) { return mix(seed, std::hash<std::string_view>{}(text)); }
std::size_t mix(std::size_t seed, const std::vector<Match::Field>& fields) {
  for (const Match::Field& field : fields) seed = mix(mix(seed, field.name), field.value ? std::string_view(*field.value) : std::string_view());
  return mix(seed, fields.size());
}

/// Equal for routes that tie, but for their hosts and methods.
std::size_t shape_of(const RouteConfig& route) {
  std::size_t shape = mix(static_cast<std::size_t>(route.priority), route.match.path.prefix ? 1 : 0);
  for (const std::string& segment : route.match.path.segments) shape = mix(shape, segment);
  return mix(mix(shape, route.match.headers), route.match.query);
}

bool tied(const RouteConfig& a, const RouteConfig& b) {
  return a.priority == b.priority && a.match.overlaps(b.match) && a.match.rank() == b.match.rank();
}

}  // namespace

void find_ties(const RouteList& routes, const std::function<bool(std::size_t, std::size_t)>& tie) {
  // Routes of one shape and host hang in a chain, the last one first.
  struct Link {
    std::size_t route;
    std::size_t before;
  };
  std::unordered_map<std::size_t, std::size_t> chains;
  std::vector<Link> links;
  chains.reserve(routes.size());
  links.reserve(routes.size());
  std::vector<std::size_t> earlier;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const RouteConfig& route = routes[i];
    const std::size_t shape = shape_of(route);
    earlier.clear();
    const auto join = [&](std::string_view host) {
      const auto [chain, fresh] = chains.try_emplace(mix(shape, host), kNone);
      for (std::size_t at = chain->second; at != kNone; at = links[at].before) {
        if (links[at].route != i && tied(route, routes[links[at].route])) earlier.push_back(links[at].route);
      }
      links.push_back({i, chain->second});
      chain->second = links.size() - 1;
    };
    if (route.match.hosts.empty()) join({});
    for (const std::string& host : route.match.hosts) join(host);

    std::sort(earlier.begin(), earlier.end());
    earlier.erase(std::unique(earlier.begin(), earlier.end()), earlier.end());
    for (const std::size_t j : earlier) {
      if (!tie(i, j)) return;
    }
  }
}

}  // namespace yun::gateway
