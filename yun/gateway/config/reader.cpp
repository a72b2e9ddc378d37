#include "yun/gateway/config/reader.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "yun/config/yaml_list.hpp"
#include "yun/gateway/config/read.hpp"
#include "yun/gateway/config/ties.hpp"

namespace yun::gateway {

using config::Errors;
using config::ListText;

namespace {

constexpr std::string_view kRoutes = "routes";

bool has_conflicts(const RouteList& routes) {
  std::unordered_set<std::string_view> names;
  names.reserve(routes.size());
  for (const RouteConfig& route : routes) {
    if (!names.insert(route.name).second) return true;
  }
  bool tied = false;
  find_ties(routes, [&tied](std::size_t, std::size_t) {
    tied = true;
    return false;
  });
  return tied;
}

/// Null if it has faults.
std::shared_ptr<const RouteConfig> read_item(const config::Tree& tree, const Known& known) {
  Errors errors;
  std::set<std::string, std::less<>> names;
  RouteConfig route = read_route(tree, 0, known, names, errors);
  return errors.empty() ? std::make_shared<const RouteConfig>(std::move(route)) : nullptr;
}

}  // namespace

struct ConfigReader::Head {
  std::string text;
  std::size_t nodes = 0;
  Config config;  ///< no routes
  Known known;
};

/// The items of the version before, by their text. Most stand where they stood, counted from the front or from the back.
class ConfigReader::Earlier {
 public:
  Earlier(const Version& before, const std::vector<std::string_view>& now) : before_(before), size_(now.size()) {
    const std::size_t count = before.items.size();
    const std::size_t most = std::min(count, size_);
    while (front_ < most && text_at(front_) == now[front_]) ++front_;
    while (back_ < most - front_ && text_at(count - 1 - back_) == now[size_ - 1 - back_]) ++back_;
    for (std::size_t i = front_; i < count - back_; ++i) moved_.emplace(text_at(i), i);
  }
  /// Null if there was none of this text, which stands at `i` now.
  const Item* find(std::size_t i, std::string_view text) const {
    if (i < front_) return &before_.items[i];
    if (i >= size_ - back_) return &before_.items[before_.items.size() - (size_ - i)];
    const auto found = moved_.find(text);
    return found == moved_.end() ? nullptr : &before_.items[found->second];
  }

 private:
  std::string_view text_at(std::size_t i) const { return std::string_view(before_.text).substr(before_.items[i].offset, before_.items[i].size); }
  const Version& before_;
  std::size_t size_;
  std::size_t front_ = 0;
  std::size_t back_ = 0;
  std::unordered_map<std::string_view, std::size_t> moved_;
};

ConfigReader::ConfigReader(std::string filename) : filename_(std::move(filename)) {}
ConfigReader::~ConfigReader() = default;
ConfigReader::ConfigReader(ConfigReader&&) noexcept = default;
ConfigReader& ConfigReader::operator=(ConfigReader&&) noexcept = default;

Result<Config> ConfigReader::read(std::string text) {
  Version version;
  version.text = std::move(text);
  if (auto config = read_parts(version)) {
    last_ = std::move(version);
    return *std::move(config);
  }
  YUN_GET(whole, Config::parse_whole(version.text, filename_));
  last_ = Version{std::move(version.text), nullptr, {}, whole.routes.size()};
  return std::move(whole);
}

/// nullopt: the text is to be read whole.
std::optional<Config> ConfigReader::read_parts(Version& version) const {
  const config::YamlOptions limits;
  if (version.text.size() > limits.max_size) return std::nullopt;
  const auto list = ListText::cut(version.text, kRoutes);
  if (!list) return std::nullopt;
  version.head = head_of(*list);
  if (!version.head) return std::nullopt;

  static const Version kNothing;
  const bool same_names = last_.head && (last_.head == version.head || last_.head->known == version.head->known);
  const Earlier earlier(same_names ? last_ : kNothing, list->items);
  Config config = version.head->config;
  std::size_t nodes = version.head->nodes;
  config.routes.reserve(list->items.size());
  version.items.reserve(list->items.size());
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string_view text = list->items[i];
    Item item{static_cast<std::size_t>(text.data() - version.text.data()), text.size(), nullptr, 0};
    const Item* const held = earlier.find(i, text);
    const bool ends = list->at_end && i + 1 == list->items.size();
    if (held && !ends) {
      item.route = held->route;
      item.nodes = held->nodes;
    } else {
      const auto parsed = config::parse_item(text);
      if (!parsed || (ends && !config::means_the_same_at_end(text, parsed->tree))) return std::nullopt;
      item.nodes = parsed->nodes;
      item.route = held ? held->route : read_item(parsed->tree, version.head->known);
      if (!item.route) return std::nullopt;
      version.fresh += held ? 0 : 1;
    }
    nodes += item.nodes;
    config.routes.push_back(item.route);
    version.items.push_back(std::move(item));
  }
  if (nodes > limits.max_nodes || has_conflicts(config.routes)) return std::nullopt;
  return config;
}

std::shared_ptr<const ConfigReader::Head> ConfigReader::head_of(const ListText& list) const {
  if (last_.head && last_.head->text == list.around) return last_.head;
  const auto tree = config::parse_around(list, kRoutes);
  if (!tree) return nullptr;
  Errors errors;
  config::Reader file(*tree, "", errors);
  Config config = read_head(file, errors);
  (void)file.find(kRoutes);
  file.finish();
  if (!errors.empty()) return nullptr;
  Known known(config);
  return std::make_shared<const Head>(Head{list.around, config::count_nodes(*tree), std::move(config), std::move(known)});
}

}  // namespace yun::gateway
