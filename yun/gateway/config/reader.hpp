#pragma once
// ConfigReader: version after version of one file. What a version says as the one before did is neither parsed nor made again.
//
//     ConfigReader reader("gateway.yaml");
//     auto first = reader.read(text);       // as Config::parse(text, "gateway.yaml")
//     auto next = reader.read(edited);      // the same, but only the routes whose text is new are read; the others are shared with `first`
//
// Faults, and files in which lines do not tell where a route begins (anchors in routes, tabs, a list in brackets), are read whole, so that what is said and
// where never depends on the way.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/gateway/config/config.hpp"

namespace yun::config {
struct ListText;
}

namespace yun::gateway {

class ConfigReader {
 public:
  /// `filename` is what stands before faults.
  explicit ConfigReader(std::string filename);
  ~ConfigReader();
  ConfigReader(ConfigReader&&) noexcept;
  ConfigReader& operator=(ConfigReader&&) noexcept;

  /// Errors: as Config::parse; what was read before is kept then. Environment variables are taken not to change. One caller at a time, any thread.
  Result<Config> read(std::string text);
  /// The last text that was good.
  const std::string& text() const { return last_.text; }
  /// How many routes had to be read from that text, those that an earlier one had not.
  std::size_t fresh() const { return last_.fresh; }

 private:
  struct Item {
    std::size_t offset = 0;  ///< of its text
    std::size_t size = 0;
    std::shared_ptr<const RouteConfig> route;
    std::size_t nodes = 0;
  };
  struct Head;
  struct Version {
    std::string text;
    std::shared_ptr<const Head> head;  ///< what is around the routes; null if the text had to be read whole
    std::vector<Item> items;
    std::size_t fresh = 0;
  };
  class Earlier;
  std::optional<Config> read_parts(Version& version) const;
  std::shared_ptr<const Head> head_of(const config::ListText& list) const;

  std::string filename_;
  Version last_;
};

}  // namespace yun::gateway
