#include "yun/cache/redis/limiter.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <list>
#include <mutex>
#include <unordered_map>

#include "yun/base/strings.hpp"
#include "yun/cache/redis/one_loop.hpp"

namespace yun::cache::redis {

namespace {

using resilience::LimitDecision;
using Rule = resilience::TokenBucket::Rule;
using std::chrono::microseconds;
constexpr std::size_t kShards = 16;

/// KEYS[1]: when the bucket is full again, microseconds of Redis's own clock. ARGV: microseconds an event takes to come back, events that were let through,
/// the bucket's depth in microseconds. Gives the microseconds until it is full. What was let through beyond the limit is owed, but not more than a bucket.
const char kScript[] = R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1] * ARGV[2]
full = math.min(full, now + 2 * ARGV[3])
if full > now then redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000)) end
return string.format('%.0f', full - now)
)";

resilience::LimiterOptions share_of(const resilience::LimiterOptions& limit, unsigned instances) {
  resilience::LimiterOptions share = limit;
  share.rate.count /= instances;
  const std::uint64_t burst = Rule(limit).burst;
  share.burst = std::max<std::uint64_t>(1, burst / instances);
  return share;
}

std::int64_t nanoseconds(TimePoint time) { return std::chrono::duration_cast<Duration>(time.time_since_epoch()).count(); }

struct Bucket {
  std::string key;
  std::int64_t full_at = 0;
  std::uint64_t untold = 0;  ///< events let through that Redis does not know of
};

struct alignas(64) Shard {
  using List = std::list<Bucket>;
  std::mutex mutex;
  List buckets;  ///< the last used first
  std::unordered_map<std::string_view, List::iterator> by_key;

  /// Under the mutex; a new one if there is none.
  Bucket& bucket(std::string_view key, std::size_t max) {
    if (const auto found = by_key.find(key); found != by_key.end()) {
      buckets.splice(buckets.begin(), buckets, found->second);
      return *found->second;
    }
    if (buckets.size() >= max) {
      by_key.erase(buckets.back().key);
      buckets.pop_back();
    }
    buckets.push_front({.key = std::string(key)});
    by_key.emplace(buckets.front().key, buckets.begin());
    return buckets.front();
  }
};

struct Told {
  std::string key;
  std::uint64_t events;
};

}  // namespace

/// For OneLoop: tells Redis, until it is closed.
class SharedLimiter::Sync {
 public:
  explicit Sync(std::shared_ptr<State> state) : state_(std::move(state)), stop_(runtime::Loop::current().root()) {}
  void close() { stop_.cancel(cancelled("limiter was closed")); }
  static Task<void> run(std::shared_ptr<Sync> self);

 private:
  static Task<void> tell(std::shared_ptr<State> state, Context& ctx, Told told);
  std::shared_ptr<State> state_;
  Context stop_;
};

struct SharedLimiter::State {
  State(Client redis, const resilience::LimiterOptions& limit, SharedLimiterOptions given)
      : client(std::move(redis)), options(std::move(given)), whole(limit), share(share_of(limit, std::max(1U, options.instances))),
        max_keys(std::max<std::size_t>(1, limit.max_keys / kShards)) {}

  Client client;
  SharedLimiterOptions options;
  Script script{kScript};
  Rule whole;
  Rule share;
  std::size_t max_keys;  ///< of one shard
  std::array<Shard, kShards> shards;
  std::atomic<std::int64_t> heard{0};  ///< when Redis last answered, nanoseconds of the steady clock; 0 = never
  std::size_t first_shard = 0;           ///< of the next sync, so that no shard always comes last; the sync's own

  bool is_shared(std::int64_t now) const {
    const std::int64_t last = heard.load(std::memory_order_relaxed);
    return last != 0 && now - last < options.away.count();
  }
  Shard& shard(std::string_view key) { return shards[std::hash<std::string_view>()(key) % kShards]; }
  std::vector<Told> take_untold();
};

std::vector<Told> SharedLimiter::State::take_untold() {
  std::vector<Told> untold;
  const std::size_t first = first_shard++;
  for (std::size_t i = 0; i < kShards; ++i) {
    Shard& each = shards[(first + i) % kShards];
    std::lock_guard lock(each.mutex);
    for (Bucket& bucket : each.buckets) {
      if (untold.size() >= options.max_in_sync) return untold;
      if (bucket.untold > 0) untold.push_back({bucket.key, std::exchange(bucket.untold, 0)});
    }
  }
  return untold;
}

Task<void> SharedLimiter::Sync::run(std::shared_ptr<Sync> self) {
  State& state = *self->state_;
  while (!self->stop_.done()) {
    std::vector<Told> untold = state.take_untold();
    // With nothing to tell, Redis is still asked whether it is there: a limiter should know before it matters.
    if (untold.empty()) {
      auto pinging = state.client.call(self->stop_, Command("PING"));
      auto pong = co_await std::move(pinging);
      if (pong) state.heard.store(nanoseconds(Clock::now()));
    }
    runtime::Scope scope;
    for (Told& told : untold) scope.spawn(tell(self->state_, self->stop_, std::move(told)));
    co_await scope.join();
    auto pausing = runtime::sleep_for(self->stop_, state.options.sync);
    (void)co_await pausing;  // an end of stop_ ends the loop
  }
}

Task<void> SharedLimiter::Sync::tell(std::shared_ptr<State> state, Context& ctx, Told told) {
  const Rule& rule = state->whole;
  std::vector<std::string> keys;
  keys.push_back(state->options.prefix + "{" + told.key + "}");
  const auto micros = [](double value) { return std::to_string(value / 1000); };
  const auto interval = static_cast<double>(rule.interval);
  std::vector<std::string> arguments;
  arguments.push_back(micros(interval));
  arguments.push_back(std::to_string(told.events));
  arguments.push_back(micros(interval * static_cast<double>(rule.burst)));
  auto running = state->client.run(ctx, state->script, std::move(keys), std::move(arguments));
  auto reply = co_await std::move(running);
  const auto missing = reply ? parse_i64(reply->text) : std::nullopt;
  const std::int64_t now = nanoseconds(Clock::now());
  Shard& shard = state->shard(told.key);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.by_key.find(told.key);
  if (missing) state->heard.store(now);
  if (found == shard.by_key.end()) co_return;
  Bucket& bucket = *found->second;
  if (missing) {
    bucket.full_at = now + *missing * 1000 + static_cast<std::int64_t>(bucket.untold) * rule.interval;
  } else {
    bucket.untold = std::min(bucket.untold + told.events, 2 * rule.burst);
  }
}

/// Apart from State, which the sync holds: so the limiter's end ends the sync, and that lets go of the state.
struct SharedLimiter::Running {
  OneLoop<Sync> sync;
};

SharedLimiter::SharedLimiter(Client client, const resilience::LimiterOptions& limit, SharedLimiterOptions options)
    : state_(std::make_shared<State>(std::move(client), limit, std::move(options))), running_(std::make_unique<Running>()) {}

SharedLimiter::~SharedLimiter() = default;

LimitDecision SharedLimiter::take(std::string_view key, TimePoint now, std::uint64_t cost) {
  running_->sync.ensure([this] {
    auto sync = std::make_shared<Sync>(state_);
    runtime::Loop::current().spawn(Sync::run(sync));
    return sync;
  });
  State& state = *state_;
  const std::int64_t time = nanoseconds(now);
  const Rule& rule = state.is_shared(time) ? state.whole : state.share;
  LimitDecision decision;
  {
    Shard& shard = state.shard(key);
    std::lock_guard lock(shard.mutex);
    Bucket& bucket = shard.bucket(key, state.max_keys);
    decision = rule.apply(bucket.full_at, time, cost);
    if (decision.allowed) bucket.untold += cost;
  }
  return decision;
}

bool SharedLimiter::is_shared() const { return state_->is_shared(nanoseconds(Clock::now())); }

}  // namespace yun::cache::redis
