#include "yun/base/strings.hpp"
#include "yun/base/units.hpp"
#include "yun/cache/memory.hpp"
#include "yun/cache/redis/driver.hpp"
#include "yun/cache/store.hpp"

namespace yun::cache {

namespace {

constexpr Size kDefaultMax{64_MiB};
constexpr Size kLeastMax{64_KiB};

Result<std::shared_ptr<Driver>> open_memory_url(std::string_view url, const CacheOptions& options) {
  const std::string_view rest = url.substr(url.find("://") + 3);
  Size max = kDefaultMax;
  const auto question = rest.find('?');
  if (!rest.substr(0, question).empty()) return invalid_argument("memory:// takes no host or path; write memory://?max=64MiB");
  if (question != std::string_view::npos) {
    for (const std::string_view parameter : split(rest.substr(question + 1), '&')) {
      const auto equals = parameter.find('=');
      const std::string_view name = parameter.substr(0, equals);
      if (name != "max" || equals == std::string_view::npos) return invalid_argument("memory:// has no parameter \"" + std::string(name) + "\"; known: max");
      YUN_GET(size, parse_size(parameter.substr(equals + 1)));
      max = size;
    }
  }
  if (max.bytes < kLeastMax.bytes) return invalid_argument("memory://?max= must be at least " + format_size(kLeastMax));
  return open_memory(max.bytes, options.clock);
}

struct Scheme {
  std::string_view name;
  Result<std::shared_ptr<Driver>> (*open)(std::string_view url, const CacheOptions& options);
};

constexpr Scheme kSchemes[] = {
    {"memory", &open_memory_url},
    {"redis", &redis::open_driver},
    {"rediss", &redis::open_driver},
};

}  // namespace

Result<Cache> open(std::string_view url, CacheOptions options) {
  const auto colon = url.find("://");
  const std::string_view name = colon == std::string_view::npos ? url : url.substr(0, colon);
  for (const Scheme& scheme : kSchemes) {
    if (colon == std::string_view::npos || scheme.name != name) continue;
    YUN_GET(driver, scheme.open(url, options));
    return Cache(std::move(driver), options);
  }
  return invalid_argument("unknown cache url \"" + std::string(name) + "\"; write memory://?max=64MiB or redis://host:6379/0");
}

}  // namespace yun::cache
