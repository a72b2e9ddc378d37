#pragma once
// Tiered: memory in this process before Redis. Redis tells of each change below the prefix (client-side caching in broadcast mode), whoever made it, on a
// connection of its own, and the memory's copy goes.
//
// A copy lives no longer than the entry in Redis. While the connection that tells of changes is down, all copies are dropped, and new ones live for
// kBlind at most: that is how stale an answer can be then, and what spares the source when Redis is gone. Private to the room.

#include <memory>

#include "yun/cache/redis/remote.hpp"

namespace yun::cache::redis {

inline constexpr Duration kBlind = std::chrono::seconds(1);

/// `options.memory` bytes of memory.
std::shared_ptr<Driver> make_tiered(Options options, TimePoint (*clock)());

}  // namespace yun::cache::redis
