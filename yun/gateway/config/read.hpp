#pragma once
// From a tree to a Config, a part at a time. Inside the room: Config::parse and ConfigReader are for users.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yun/config/yaml.hpp"
#include "yun/gateway/config/config.hpp"

namespace yun::gateway {

/// What routes may name of the rest of the file. A route reads the same while this is the same.
class Known {
 public:
  explicit Known(const Config& config);
  bool operator==(const Known& other) const { return upstreams_ == other.upstreams_ && auth_ == other.auth_ && has_limit_store_ == other.has_limit_store_; }

  /// Indices into Config::upstreams and Config::auth.
  std::optional<std::size_t> upstream(std::string_view name) const { return find(upstream_by_name_, name); }
  std::optional<std::size_t> auth(std::string_view name) const { return find(auth_by_name_, name); }
  std::size_t upstreams() const { return upstreams_.size(); }
  Protocol protocol(std::size_t upstream) const { return upstreams_[upstream].second; }
  std::vector<std::string> upstream_names() const;
  const std::vector<std::string>& auth_names() const { return auth_; }
  bool has_limit_store() const { return has_limit_store_; }

 private:
  using ByName = std::map<std::string, std::size_t, std::less<>>;
  static std::optional<std::size_t> find(const ByName& map, std::string_view name);
  std::vector<std::pair<std::string, Protocol>> upstreams_;
  std::vector<std::string> auth_;
  bool has_limit_store_ = false;
  ByName upstream_by_name_;
  ByName auth_by_name_;
};

/// All but the routes. `file` is then to be asked for "routes" and finished.
Config read_head(config::Reader& file, config::Errors& errors);
/// One item of the list. `index`: its place, for messages while it has no name. `names`: of the routes before it; its own joins them.
RouteConfig read_route(const config::Tree& tree, std::size_t index, const Known& known, std::set<std::string, std::less<>>& names, config::Errors& errors);

}  // namespace yun::gateway
