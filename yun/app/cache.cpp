// App::open_cache, apart so that a program without a cache links none.

#include "yun/app/state.hpp"
#include "yun/cache/store.hpp"
#include "yun/config/mask.hpp"

namespace yun {

Result<cache::Cache> App::open_cache(const std::string& url, const std::string& name) {
  cache::CacheOptions options;
  options.name = name;
  options.metrics = &state_->metrics;
  state_->parts.push_back({"cache " + name, config::masked_url(url)});
  return cache::open(url, std::move(options));
}

}  // namespace yun
