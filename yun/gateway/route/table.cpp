#include "yun/gateway/route/table.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <set>

#include "yun/base/strings.hpp"

namespace yun::gateway {

/// Nodes by their text: open addressing, a power of two of slots, at most half of them used. A lookup touches a slot and a node, however many there are.
class Table::Children {
 public:
  explicit Children(std::pmr::memory_resource* memory) : slots_(memory) {}
  Node* find(std::string_view text) const;
  /// Whose text none of them has.
  void add(Node* node);

 private:
  struct Slot {
    std::uint64_t hash = 0;
    Node* node = nullptr;
  };
  static std::uint64_t hash_of(std::string_view text);
  Slot& free_slot(std::uint64_t hash);
  std::pmr::vector<Slot> slots_;
  std::size_t size_ = 0;
};

struct Table::Node {
  explicit Node(std::pmr::memory_resource* memory) : children(memory), exact(memory), prefix(memory) {}
  std::string_view text;  ///< the segment, or the host
  Children children;
  Node* parameter = nullptr;
  std::pmr::vector<Entry> exact;   ///< routes that end here
  std::pmr::vector<Entry> prefix;  ///< routes that end here with "/*"
};

struct Table::Forest {
  explicit Forest(std::pmr::memory_resource* memory) : exact(memory), wildcard(memory), any(memory) {}
  Children exact;
  std::pmr::vector<Node*> wildcard;  ///< ".suffix", longest first
  Node any;
};

std::uint64_t Table::Children::hash_of(std::string_view text) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
  std::uint64_t hash = text.size() * kOdd;
  const auto mix = [&hash](const char* bytes, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, count);
    hash = (hash ^ word) * kOdd;
    hash = (hash ^ (hash >> 32)) * kOdd;  // twice: in the first product the last bytes of the word reach only the upper bits
    hash ^= hash >> 32;
  };
  for (; text.size() > 8; text.remove_prefix(8)) mix(text.data(), 8);
  mix(text.data(), text.size());
  return hash;
}

Table::Node* Table::Children::find(std::string_view text) const {
  if (slots_.empty()) return nullptr;
  const std::uint64_t hash = hash_of(text);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask; slots_[i].node; i = (i + 1) & mask) {
    if (slots_[i].hash == hash && slots_[i].node->text == text) return slots_[i].node;
  }
  return nullptr;
}

Table::Children::Slot& Table::Children::free_slot(std::uint64_t hash) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].node) i = (i + 1) & mask;
  return slots_[i];
}

void Table::Children::add(Node* node) {
  if (2 * (size_ + 1) > slots_.size()) {
    std::pmr::vector<Slot> old(std::max<std::size_t>(2, 2 * slots_.size()), slots_.get_allocator());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.node) free_slot(slot.hash) = slot;
    }
  }
  const std::uint64_t hash = hash_of(node->text);
  free_slot(hash) = {hash, node};
  ++size_;
}

namespace {

constexpr std::size_t kBytesARoute = 512;  // about; what is missing is taken later

/// In memory that is never given back piece by piece: no destructor runs, and none need to.
template <typename T>
T* make_in(std::pmr::monotonic_buffer_resource& memory) {
  return new (memory.allocate(sizeof(T), alignof(T))) T(&memory);
}

std::string_view copied(std::string_view text, std::pmr::monotonic_buffer_resource& memory) {
  if (text.empty()) return {};
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
        insert(*child(forest_->exact, host), entry);
        continue;
      }
      const std::string_view suffix = host.substr(1);
      auto& wildcard = forest_->wildcard;
      auto found = std::find_if(wildcard.begin(), wildcard.end(), [&](const Node* node) { return node->text == suffix; });
      if (found == wildcard.end()) found = wildcard.insert(found, make_node(suffix));
      insert(**found, entry);
    }
  }
  std::sort(forest_->wildcard.begin(), forest_->wildcard.end(), [](const Node* a, const Node* b) { return a->text.size() > b->text.size(); });
}

Table::~Table() = default;
Table::Table(Table&&) noexcept = default;

Table::Node* Table::make_node(std::string_view text) {
  Node* const node = make_in<Node>(*memory_);
  node->text = copied(text, *memory_);
  return node;
}

Table::Node* Table::child(Children& children, std::string_view text) {
  if (Node* const known = children.find(text)) return known;
  Node* const fresh = make_node(text);
  children.add(fresh);
  return fresh;
}

void Table::insert(Node& root, const Entry& entry) {
  Node* node = &root;
  for (const std::string& segment : entry.route->match.path.segments) {
    if (!segment.empty()) {
      node = child(node->children, segment);
      continue;
    }
    if (!node->parameter) node->parameter = make_node({});
    node = node->parameter;
  }
  (entry.route->match.path.prefix ? node->prefix : node->exact).push_back(entry);
}

/// The best of what was found so far for one request.
struct Table::Search {
  explicit Search(const http::Request& for_request) : request(for_request) {}
  const http::Request& request;
  const std::string_view method = request.method == http::Method::Other ? std::string_view(request.method_text) : http::name(request.method);
  const Entry* best = nullptr;
  std::set<std::string_view> allowed;  ///< methods of what fits but for its method

  void look_at(const Entry& entry) {
    const RouteConfig& route = *entry.route;
    if (!route.match.fits_fields(request)) return;
    if (!route.match.fits_method(method)) {
      for (const std::string& known : route.match.methods) {
        allowed.insert(known);
        if (known == "GET") allowed.insert("HEAD");
      }
      return;
    }
    if (!best || route.priority > best->route->priority || (route.priority == best->route->priority && entry.rank > best->rank)) best = &entry;
  }
};

/// All that fits below `node`, whose own path ends at `at`.
void Table::search(const Node& node, std::string_view path, std::size_t at, Search& search) {
  for (const Entry& entry : node.prefix) search.look_at(entry);
  if (at >= path.size() || path == "/") {
    for (const Entry& entry : node.exact) search.look_at(entry);
    if (at >= path.size()) return;
  }
  const std::size_t end = std::min(path.find('/', at + 1), path.size());
  const std::string_view segment = path.substr(at + 1, end - at - 1);
  if (const Node* const child = node.children.find(segment)) Table::search(*child, path, end, search);
  if (node.parameter && !segment.empty()) Table::search(*node.parameter, path, end, search);
}

Table::Found Table::find(const http::Request& request) const {
  std::string_view host = request.authority;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) host = host.substr(0, colon);

  Search found_so_far(request);
  if (const Node* const exact = forest_->exact.find(host)) search(*exact, request.path, 0, found_so_far);
  for (const Node* const node : forest_->wildcard) {
    if (host.size() > node->text.size() && host.ends_with(node->text)) search(*node, request.path, 0, found_so_far);
  }
  search(forest_->any, request.path, 0, found_so_far);

  Found found;
  if (const Entry* const best = found_so_far.best) {
    found.route = best->route;
    found.index = best->index;
    return found;
  }
  for (std::string_view known : found_so_far.allowed) {
    if (!found.allow.empty()) found.allow += ", ";
    found.allow += known;
  }
  return found;
}

}  // namespace yun::gateway
