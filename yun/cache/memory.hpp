#pragma once
// memory://: a least-recently-used map in this process. Sixteen shards by the key's hash, each with a lock, a map and a share of
// the bytes; all loops share it. An entry costs its key, its value and 128 bytes. What has expired goes when it is looked up or
// when room is needed.

#include <cstddef>
#include <memory>

#include "yun/cache/driver.hpp"

namespace yun::cache {

/// `max_bytes` for all shards together; one entry may take a sixteenth of it.
std::shared_ptr<Driver> open_memory(std::size_t max_bytes, TimePoint (*clock)());

}  // namespace yun::cache
