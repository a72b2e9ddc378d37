#include "yun/gateway/route/table.hpp"

#include <algorithm>
#include <map>
#include <new>
#include <set>

#include "yun/base/strings.hpp"

namespace yun::gateway {

struct Table::Node {
  explicit Node(std::pmr::memory_resource* memory) : text(memory), exact(memory), prefix(memory) {}
  std::pmr::map<std::string_view, Node*> text;
  Node* parameter = nullptr;
  std::pmr::vector<Entry> exact;   ///< routes that end here
  std::pmr::vector<Entry> prefix;  ///< routes that end here with "/*"
};

struct Table::Forest {
  explicit Forest(std::pmr::memory_resource* memory) : exact(memory), wildcard(memory), any(memory) {}
  std::pmr::map<std::string_view, Node*> exact;
  std::pmr::vector<std::pair<std::string_view, Node*>> wildcard;  ///< ".suffix", longest first
  Node any;
};

namespace {

constexpr std::size_t kBytesARoute = 512;  // about; what is missing is taken later

/// In memory that is never given back piece by piece: no destructor runs, and none need to.
template <typename T>
T* make_in(std::pmr::monotonic_buffer_resource& memory) {
  return new (memory.allocate(sizeof(T), alignof(T))) T(&memory);
}

std::string_view copied(std::string_view text, std::pmr::monotonic_buffer_resource& memory) {
  char* const copy = static_cast<char*>(memory.allocate(text.size(), 1));
  std::copy(text.begin(), text.end(), copy);
  return {copy, text.size()};
}

}  // namespace

Table::Table(const RouteList& routes)
    : memory_(std::make_unique<std::pmr::monotonic_buffer_resource>(1024 + routes.size() * kBytesARoute)), forest_(make_in<Forest>(*memory_)) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const RouteConfig& route = routes[i];
    const Entry entry{&route, i, copied(route.match.rank(), *memory_)};
    if (route.match.hosts.empty()) insert(forest_->any, entry);
    for (const std::string_view host : route.match.hosts) {
      if (!host.starts_with("*.")) {
        Node*& node = forest_->exact[host];
        if (!node) node = make_node();
        insert(*node, entry);
        continue;
      }
      const std::string_view suffix = host.substr(1);
      auto& wildcard = forest_->wildcard;
      auto found = std::find_if(wildcard.begin(), wildcard.end(), [&](const auto& pair) { return pair.first == suffix; });
      if (found == wildcard.end()) found = wildcard.insert(found, {suffix, make_node()});
      insert(*found->second, entry);
    }
  }
  std::sort(forest_->wildcard.begin(), forest_->wildcard.end(), [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

Table::~Table() = default;
Table::Table(Table&&) noexcept = default;

Table::Node* Table::make_node() { return make_in<Node>(*memory_); }

void Table::insert(Node& root, const Entry& entry) {
  Node* node = &root;
  for (const std::string& segment : entry.route->match.path.segments) {
    Node*& next = segment.empty() ? node->parameter : node->text[segment];
    if (!next) next = make_node();
    node = next;
  }
  (entry.route->match.path.prefix ? node->prefix : node->exact).push_back(entry);
}

void Table::collect(const Node& node, std::string_view path, std::size_t at, std::vector<const Entry*>& into) {
  for (const Entry& entry : node.prefix) into.push_back(&entry);
  if (at >= path.size() || path == "/") {
    for (const Entry& entry : node.exact) into.push_back(&entry);
    if (at >= path.size()) return;
  }
  const std::size_t end = std::min(path.find('/', at + 1), path.size());
  const std::string_view segment = path.substr(at + 1, end - at - 1);
  if (const auto found = node.text.find(segment); found != node.text.end()) collect(*found->second, path, end, into);
  if (node.parameter && !segment.empty()) collect(*node.parameter, path, end, into);
}

Table::Found Table::find(const http::Request& request) const {
  std::string_view host = request.authority;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) host = host.substr(0, colon);

  std::vector<const Entry*> candidates;
  if (const auto exact = forest_->exact.find(host); exact != forest_->exact.end()) collect(*exact->second, request.path, 0, candidates);
  for (const auto& [suffix, node] : forest_->wildcard) {
    if (host.size() > suffix.size() && host.ends_with(suffix)) collect(*node, request.path, 0, candidates);
  }
  collect(forest_->any, request.path, 0, candidates);

  const std::string_view method = request.method == http::Method::Other ? std::string_view(request.method_text) : http::name(request.method);
  const Entry* best = nullptr;
  std::set<std::string_view> allowed;
  for (const Entry* candidate : candidates) {
    const RouteConfig& route = *candidate->route;
    if (!route.match.fits_fields(request)) continue;
    if (!route.match.fits_method(method)) {
      for (const std::string& known : route.match.methods) {
        allowed.insert(known);
        if (known == "GET") allowed.insert("HEAD");
      }
      continue;
    }
    if (!best || route.priority > best->route->priority || (route.priority == best->route->priority && candidate->rank > best->rank))
      best = candidate;
  }

  Found found;
  if (best) {
    found.route = best->route;
    found.index = best->index;
    (void)best->route->match.path.fits(request.path, &found.values);  // it fits: the tree found it
    return found;
  }
  for (std::string_view known : allowed) {
    if (!found.allow.empty()) found.allow += ", ";
    found.allow += known;
  }
  return found;
}

}  // namespace yun::gateway
