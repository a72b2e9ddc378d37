#include "yun/sql/mysql.hpp"
#include "yun/sql/sqlite.hpp"

namespace yun::sql {

namespace {

using Open = Result<std::shared_ptr<Driver>> (*)(std::string_view rest, const PoolOptions& options);

struct Scheme {
  std::string_view name;
  Open open;  ///< null: known, but not in this build
};

constexpr Scheme kSchemes[] = {
    {"sqlite", &open_sqlite},
    {"mysql", &open_mysql},
    {"postgres", nullptr},
};

}  // namespace

Result<Pool> open(std::string_view url, PoolOptions options) {
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return invalid_argument("database url has no scheme; write sqlite:///path/to/file.db");
  const std::string_view name = url.substr(0, colon);
  for (const Scheme& scheme : kSchemes) {
    if (scheme.name != name) continue;
    if (!scheme.open) return unimplemented(std::string(name) + " driver is not in this build; use sqlite:///path/to/file.db");
    YUN_GET(driver, scheme.open(url.substr(colon + 3), options));
    return Pool(std::move(driver), options);
  }
  return invalid_argument("unknown database scheme \"" + std::string(name) + "\"; known: sqlite, mysql");
}

}  // namespace yun::sql
