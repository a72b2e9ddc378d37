#pragma once
// What a store must do to be one of Yun's caches. A driver moves bytes; metrics, encoding, jitter and single flight are the Cache's.
// A new driver is one folder, a target of its own, and one line in the table of all/open.cpp.

#include <cstdint>
#include <optional>
#include <string>

#include "yun/observe/context.hpp"
#include "yun/runtime/task.hpp"

namespace yun::cache {

/// Counted since the cache was opened; a shared server counts for itself what it can, else zero.
struct Stats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;  ///< to make room, before their time
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< keys, values and what each entry costs beside
};

/// Thread-safe; callers are on any loop.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual Task<Result<std::optional<std::string>>> get(Context& ctx, std::string key) = 0;
  /// Replaces. `ttl` is above zero; Duration::max() = until there is no room. ResourceExhausted if it can never fit.
  virtual Task<Result<void>> set(Context& ctx, std::string key, std::string value, Duration ttl) = 0;
  /// True if it was there.
  virtual Task<Result<bool>> erase(Context& ctx, std::string key) = 0;
  virtual Stats stats() const = 0;
};

}  // namespace yun::cache
