#include "yun/resilience/token_bucket.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace yun::resilience {

namespace {
constexpr std::size_t kShards = 16;

std::int64_t nanoseconds(TimePoint now) { return std::chrono::duration_cast<Duration>(now.time_since_epoch()).count(); }
}  // namespace

TokenBucket::Rule::Rule(const LimiterOptions& options)
    : interval(std::max<std::int64_t>(1, static_cast<std::int64_t>(1e9 / std::max(1e-6, options.rate.per_second())))),
      burst(options.burst ? options.burst : std::max<std::uint64_t>(1, static_cast<std::uint64_t>(options.rate.count))) {}

LimitDecision TokenBucket::Rule::apply(std::int64_t& full_at, std::int64_t now, std::uint64_t cost) const {
  const std::int64_t depth = interval * static_cast<std::int64_t>(burst);
  const std::int64_t missing = std::max<std::int64_t>(0, full_at - now);
  const std::int64_t wanted = missing + interval * static_cast<std::int64_t>(std::min(cost, burst + 1));
  LimitDecision decision{.allowed = wanted <= depth, .limit = burst};
  const std::int64_t after = decision.allowed ? wanted : missing;
  if (decision.allowed) {
    full_at = now + after;
  } else {
    decision.retry_after = Duration(wanted - depth);
  }
  decision.remaining = static_cast<std::uint64_t>((depth - after) / interval);
  decision.reset = Duration(after);
  return decision;
}

TokenBucket::TokenBucket(const LimiterOptions& options) : rule_(options) {}

LimitDecision TokenBucket::take(TimePoint now, std::uint64_t cost) {
  std::int64_t seen = full_at_.load(std::memory_order_relaxed);
  for (;;) {
    std::int64_t next = seen;
    const LimitDecision decision = rule_.apply(next, nanoseconds(now), cost);
    if (next == seen || full_at_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return decision;
  }
}

struct KeyedLimiter::State {
  struct Bucket {
    std::string key;
    std::int64_t full_at = 0;
  };
  using List = std::list<Bucket>;
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    List buckets;  ///< the last used first
    std::unordered_map<std::string_view, List::iterator> by_key;
    std::uint64_t evicted = 0;
  };

  explicit State(const LimiterOptions& options) : rule(options), max_keys(std::max<std::size_t>(1, options.max_keys / kShards)) {}

  TokenBucket::Rule rule;
  std::size_t max_keys;  ///< of one shard
  std::array<Shard, kShards> shards;
};

KeyedLimiter::KeyedLimiter(const LimiterOptions& options) : state_(std::make_unique<State>(options)) {}
KeyedLimiter::~KeyedLimiter() = default;
KeyedLimiter::KeyedLimiter(KeyedLimiter&&) noexcept = default;
KeyedLimiter& KeyedLimiter::operator=(KeyedLimiter&&) noexcept = default;

LimitDecision KeyedLimiter::take(std::string_view key, TimePoint now, std::uint64_t cost) {
  const std::int64_t time = nanoseconds(now);
  State::Shard& shard = state_->shards[std::hash<std::string_view>()(key) % kShards];
  std::lock_guard lock(shard.mutex);
  if (auto found = shard.by_key.find(key); found != shard.by_key.end()) {
    shard.buckets.splice(shard.buckets.begin(), shard.buckets, found->second);
    return state_->rule.apply(found->second->full_at, time, cost);
  }
  if (shard.buckets.size() >= state_->max_keys) {
    if (shard.buckets.back().full_at > time) ++shard.evicted;
    shard.by_key.erase(shard.buckets.back().key);
    shard.buckets.pop_back();
  }
  shard.buckets.push_front({.key = std::string(key), .full_at = 0});
  shard.by_key.emplace(shard.buckets.front().key, shard.buckets.begin());
  return state_->rule.apply(shard.buckets.front().full_at, time, cost);
}

std::size_t KeyedLimiter::keys() const {
  std::size_t count = 0;
  for (const State::Shard& shard : state_->shards) {
    std::lock_guard lock(shard.mutex);
    count += shard.buckets.size();
  }
  return count;
}

std::uint64_t KeyedLimiter::evicted() const {
  std::uint64_t count = 0;
  for (const State::Shard& shard : state_->shards) {
    std::lock_guard lock(shard.mutex);
    count += shard.evicted;
  }
  return count;
}

}  // namespace yun::resilience
