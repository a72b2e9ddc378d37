#include "yun/cache/redis/driver.hpp"

#include "yun/cache/redis/remote.hpp"
#include "yun/cache/redis/tiered.hpp"

namespace yun::cache::redis {

Result<std::shared_ptr<Driver>> open_driver(std::string_view url, const CacheOptions& cache) {
  YUN_GET(options, parse_url(url));
  options.name = cache.name;
  options.metrics = cache.metrics;
  if (options.memory.bytes > 0) return make_tiered(std::move(options), cache.clock);
  return std::make_shared<Remote>(std::move(options));
}

}  // namespace yun::cache::redis
