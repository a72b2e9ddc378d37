#pragma once
// Remote: the driver that keeps its entries in Redis and nowhere else. Private to the room.

#include <atomic>
#include <optional>
#include <string>

#include "yun/cache/driver.hpp"
#include "yun/cache/redis/client.hpp"

namespace yun::cache::redis {

class Remote final : public Driver {
 public:
  explicit Remote(Options options) : client_(std::move(options)) {}

  Task<Result<std::optional<std::string>>> get(Context& ctx, std::string key) override;
  Task<Result<void>> set(Context& ctx, std::string key, std::string value, Duration ttl) override;
  Task<Result<bool>> erase(Context& ctx, std::string key) override;
  Stats stats() const override;

  struct Entry {
    std::string value;
    Duration left;  ///< of its time to live; Duration::max() = it has none
  };
  /// get() and how long it will be there, in one round trip.
  Task<Result<std::optional<Entry>>> get_entry(Context& ctx, std::string key);

  const Options& options() const { return client_.options(); }

 private:
  std::string prefixed(const std::string& key) const { return options().prefix + key; }
  Result<std::optional<std::string>> read(Value reply);

  Client client_;
  std::atomic<std::uint64_t> hits_{0};
  std::atomic<std::uint64_t> misses_{0};
};

}  // namespace yun::cache::redis
