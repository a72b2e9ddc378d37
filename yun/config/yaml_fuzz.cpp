// Any bytes as configuration: parse_yaml must give a tree or an error that names a place, within its limits.

#include <cstdint>
#include <cstdlib>
#include <map>

#include "yun/config/yaml.hpp"

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
  auto tree = yun::config::parse_yaml(text, "f", environment, {.max_size = 1 << 16, .max_nodes = 1 << 14});
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
