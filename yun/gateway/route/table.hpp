#pragma once
// Table: all routes of a configuration, best first. Immutable; shared by every loop.
//
// Hosts split the routes into a hash of exact hosts, a list of wildcards and the rest; within each, a tree of path segments, a hash at each node, finds
// the candidates, so that 5,000 routes cost what one does.

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "yun/gateway/config/config.hpp"

namespace yun::gateway {

class Table {
 public:
  /// `routes` must outlive the table: it holds views of them.
  explicit Table(const RouteList& routes);
  ~Table();
  Table(Table&&) noexcept;

  struct Found {
    const RouteConfig* route = nullptr;
    std::size_t index = 0;  ///< of the route in the list
    /// Without a route: the methods that this host and path know, sorted ("" = none: 404 rather than 405).
    std::string allow;
  };
  /// `host` as in Request::authority, `path` normalised.
  Found find(const http::Request& request) const;

 private:
  class Children;
  struct Node;
  struct Forest;
  struct Entry {
    const RouteConfig* route;
    std::size_t index;
    std::string_view rank;
  };
  Node* make_node(std::string_view text);
  Node* child(Children& children, std::string_view text);
  void insert(Node& root, const Entry& entry);
  struct Search;
  static void search(const Node& node, std::string_view path, std::size_t at, Search& search);
  /// All of the trees is in here and goes with it, at once: thousands of nodes, made together and freed together.
  std::unique_ptr<std::pmr::monotonic_buffer_resource> memory_;
  Forest* forest_ = nullptr;
};

}  // namespace yun::gateway
