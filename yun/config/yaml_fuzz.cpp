// Any bytes as configuration: parse_yaml must give a tree or an error that names a place, within its limits; and a list cut into its items
// the same tree as the whole.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>

#include "yun/config/yaml_list.hpp"

namespace {

/// Every node has a place, no key is there twice.
void check(const yun::config::Tree& tree) {
  if (tree.line < 1 || tree.column < 1) std::abort();
  for (const auto& item : tree.items) check(item);
  for (const auto& entry : tree.entries) {
    if (tree.find_entry(entry.key) != &entry) std::abort();
    check(entry.value);
  }
}

bool same(const yun::config::Tree& a, const yun::config::Tree& b) {
  return a.kind == b.kind && a.quoted == b.quoted && a.scalar == b.scalar && std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same) &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
                    [](const auto& left, const auto& right) { return left.key == right.key && same(left.value, right.value); });
}

/// A list in parts is the list of the whole.
void check_parts(std::string_view text, const yun::Result<yun::config::Tree>& whole, const yun::config::Environment& environment,
                 const yun::config::YamlOptions& options) {
  namespace config = yun::config;
  const auto list = config::ListText::cut(text, "routes");
  if (!list) return;
  auto around = config::parse_around(*list, "routes", environment, options);
  if (!around) return;
  config::Tree items;
  items.kind = config::Tree::Kind::List;
  std::size_t nodes = config::count_nodes(*around);
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    auto item = config::parse_item(list->items[i], environment, options);
    const bool ends = list->at_end && i + 1 == list->items.size();
    if (!item || (ends && !config::means_the_same_at_end(list->items[i], item->tree, environment, options))) return;
    nodes += item->nodes;
    items.items.push_back(std::move(item->tree));
  }
  if (text.size() > options.max_size || nodes > options.max_nodes) return;
  for (config::Entry& entry : around->entries) {
    if (entry.key == "routes") entry.value = std::move(items);
  }
  if (!whole || !same(*whole, *around)) std::abort();
}

enum class Mode { One, Two };
struct Settings {
  std::string text;
  int number = 0;
  Mode mode = Mode::One;
  yun::Duration idle{};
  struct Inner {
    std::vector<std::string> list;
    std::map<std::string, bool> map;
  } inner;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const yun::config::Environment environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "HOME" ? std::optional<std::string>("${HOME}") : std::nullopt;
  };
  const yun::config::YamlOptions options{.max_size = 1 << 16, .max_nodes = 1 << 14};
  auto tree = yun::config::parse_yaml(text, "f", environment, options);
  check_parts(text, tree, environment, options);
  if (!tree) {
    if (!tree.error().message().starts_with("f:")) std::abort();
    return 0;
  }
  check(*tree);
  yun::config::Errors errors("f");
  Settings settings;
  const bool read = read_value(*tree, "", settings, errors);
  if (read != errors.empty()) std::abort();
  return 0;
}
