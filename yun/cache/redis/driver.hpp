#pragma once
// redis:// and rediss://: entries in a Redis, under the URL's prefix, with Redis's own expiry (PX). With ?memory=64MiB there is a tier in this
// process before it: tiered.hpp.

#include <memory>
#include <string_view>

#include "yun/cache/driver.hpp"
#include "yun/cache/store.hpp"

namespace yun::cache::redis {

/// Connects with the first call. InvalidArgument that names the part of the URL at fault.
Result<std::shared_ptr<Driver>> open_driver(std::string_view url, const CacheOptions& options);

}  // namespace yun::cache::redis
