#include "yun/gateway/config/config.hpp"

#include "yun/config/yaml.hpp"
#include "yun/gateway/config/read.hpp"
#include "yun/gateway/config/reader.hpp"
#include "yun/gateway/config/ties.hpp"

namespace yun::gateway {

using config::Errors;
using config::Reader;
using config::Tree;

Result<Config> Config::parse(std::string_view text, std::string_view filename) {
  return ConfigReader(std::string(filename)).read(std::string(text));
}

Result<Config> Config::parse_whole(std::string_view text, std::string_view filename) {
  YUN_GET(tree, config::parse_yaml(text, filename));
  Errors errors{std::string(filename)};
  Reader file(tree, "", errors);
  Config config = read_head(file, errors);
  if (const Tree* routes = file.find("routes"); routes && routes->is_list() && !routes->items.empty()) {
    const Known known(config);
    std::set<std::string, std::less<>> names;
    for (const Tree& item : routes->items) config.routes.push_back(read_route(item, config.routes.size(), known, names, errors));
    find_ties(config.routes, [&](std::size_t later, std::size_t earlier) {
      errors.add(routes->items[later], "route \"" + config.routes[later].name + "\"",
                 "matches the same requests as route \"" + config.routes[earlier].name + "\"; give one a priority");
      return true;
    });
  } else {
    file.fault("routes", "is required: a list of routes");
  }
  file.finish();
  if (!errors.empty()) return errors.to_error();
  return config;
}

Result<std::string> Config::read_file(const std::string& path) { return config::read_file(path, config::YamlOptions{}.max_size); }

std::string_view Config::name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Result<Config> Config::load(const std::string& path) {
  YUN_GET(text, read_file(path));
  return parse(text, name_of(path));
}

}  // namespace yun::gateway
