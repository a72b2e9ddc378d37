#include "yun/cache/memory.hpp"

#include <array>
#include <functional>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace yun::cache {

namespace {

constexpr std::size_t kShards = 16;
constexpr std::size_t kEntryOverhead = 128;

struct Entry {
  std::string key;
  std::string value;
  TimePoint expires;
  std::size_t cost() const { return key.size() + value.size() + kEntryOverhead; }
};

class alignas(64) Shard {
 public:
  std::optional<std::string> get(std::string_view key, TimePoint now) {
    std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return miss();
    if (found->second->expires <= now) {
      remove(found->second);
      return miss();
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    ++stats_.hits;
    return found->second->value;
  }

  void set(std::string key, std::string value, TimePoint expires, TimePoint now, std::size_t max_bytes) {
    std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) remove(found->second);
    entries_.push_front({.key = std::move(key), .value = std::move(value), .expires = expires});
    by_key_.emplace(entries_.front().key, entries_.begin());
    stats_.bytes += entries_.front().cost();
    while (stats_.bytes > max_bytes) {
      if (entries_.back().expires > now) ++stats_.evictions;
      remove(std::prev(entries_.end()));
    }
  }

  bool erase(std::string_view key, TimePoint now) {
    std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return false;
    const bool alive = found->second->expires > now;
    remove(found->second);
    return alive;
  }

  void add_to(Stats& stats) const {
    std::lock_guard lock(mutex_);
    stats.hits += stats_.hits;
    stats.misses += stats_.misses;
    stats.evictions += stats_.evictions;
    stats.bytes += stats_.bytes;
    stats.entries += entries_.size();
  }

 private:
  using List = std::list<Entry>;

  std::nullopt_t miss() {
    ++stats_.misses;
    return std::nullopt;
  }
  void remove(List::iterator entry) {
    stats_.bytes -= entry->cost();
    by_key_.erase(entry->key);
    entries_.erase(entry);
  }

  mutable std::mutex mutex_;
  List entries_;  ///< the last used first
  std::unordered_map<std::string_view, List::iterator> by_key_;
  Stats stats_;
};

class Memory final : public Driver {
 public:
  Memory(std::size_t max_bytes, TimePoint (*clock)()) : max_bytes_(max_bytes / kShards), clock_(clock) {}

  Task<Result<std::optional<std::string>>> get(Context&, std::string key) override { co_return shard(key).get(key, clock_()); }

  Task<Result<void>> set(Context&, std::string key, std::string value, Duration ttl) override {
    const std::size_t cost = key.size() + value.size() + kEntryOverhead;
    if (cost > max_bytes_) {
      co_return resource_exhausted("cache entry takes " + std::to_string(cost) + " bytes, " + std::to_string(max_bytes_) + " is the most");
    }
    const TimePoint now = clock_();
    const TimePoint expires = ttl >= TimePoint::max() - now ? TimePoint::max() : now + ttl;
    Shard& home = shard(key);
    home.set(std::move(key), std::move(value), expires, now, max_bytes_);
    co_return Result<void>();
  }

  Task<Result<bool>> erase(Context&, std::string key) override { co_return shard(key).erase(key, clock_()); }

  Stats stats() const override {
    Stats stats;
    for (const Shard& shard : shards_) shard.add_to(stats);
    return stats;
  }

 private:
  Shard& shard(std::string_view key) { return shards_[std::hash<std::string_view>()(key) % kShards]; }

  const std::size_t max_bytes_;  ///< of one shard
  TimePoint (*const clock_)();
  std::array<Shard, kShards> shards_;
};

}  // namespace

std::shared_ptr<Driver> open_memory(std::size_t max_bytes, TimePoint (*clock)()) { return std::make_shared<Memory>(max_bytes, clock); }

}  // namespace yun::cache
