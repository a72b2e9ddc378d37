#pragma once
// Table: all routes of a configuration, best first. Immutable; shared by every loop.
//
// Hosts split the routes into a hash of exact hosts, a list of wildcards and the rest; within each, a tree of path segments finds the
// candidates, so that 5,000 routes cost about what one does.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yun/gateway/config/config.hpp"

namespace yun::gateway {

class Table {
 public:
  /// `routes` must outlive the table.
  explicit Table(const RouteList& routes);
  ~Table();
  Table(Table&&) noexcept;

  struct Found {
    const RouteConfig* route = nullptr;
    std::size_t index = 0;  ///< of the route in the list
    /// Values of the path's parameters, in order; views of the request's path.
    std::vector<std::string_view> values;
    /// Without a route: the methods that this host and path know, sorted ("" = none: 404 rather than 405).
    std::string allow;
  };
  /// `host` as in Request::authority, `path` normalised.
  Found find(const http::Request& request) const;

 private:
  struct Node;
  struct Forest {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> exact;
    std::vector<std::pair<std::string, std::unique_ptr<Node>>> wildcard;  ///< ".suffix", longest first
    std::unique_ptr<Node> any;
  };
  struct Entry {
    const RouteConfig* route;
    std::size_t index;
    std::string rank;
  };
  static void insert(Node& root, Entry entry);
  static void collect(const Node& node, std::string_view path, std::size_t at, std::vector<const Entry*>& into);
  Forest forest_;
};

}  // namespace yun::gateway
