#include "yun/cache/store.hpp"

#include <algorithm>

#include "yun/base/ids.hpp"

namespace yun::cache {

namespace {

detail::Meters bind(metrics::Registry* registry, const std::string& name) {
  if (!registry) return {};
  auto& requests = registry->counters("cache_requests_total", "Lookups in a cache, by what they gave.", {"cache", "result"});
  auto& stores = registry->counters("cache_stores_total", "Values put into a cache.", {"cache"});
  return {.hits = &requests.with({name, "hit"}),
          .misses = &requests.with({name, "miss"}),
          .errors = &requests.with({name, "error"}),
          .stores = &stores.with({name})};
}

}  // namespace

Cache::Cache(std::shared_ptr<Driver> driver, const CacheOptions& options) {
  auto state = std::make_shared<State>();
  state->driver = std::move(driver);
  state->options = options;
  state->options.ttl_jitter = std::clamp(options.ttl_jitter, 0.0, 1.0);
  state->meters = bind(options.metrics, options.name);
  state_ = std::move(state);
}

Task<Result<std::optional<std::string>>> Cache::get_bytes(StatePtr state, Context& ctx, std::string key) {
  auto getting = state->driver->get(ctx, std::move(key));
  auto bytes = co_await std::move(getting);
  if (!bytes) {
    detail::count(state->meters.errors);
  } else {
    detail::count(*bytes ? state->meters.hits : state->meters.misses);
  }
  co_return bytes;
}

Task<Result<void>> Cache::set_bytes(StatePtr state, Context& ctx, std::string key, std::string bytes, Duration ttl) {
  if (ttl <= Duration(0)) co_return invalid_argument("a cache entry's time to live must be above zero");
  if (ttl != Duration::max()) {
    const double kept = 1.0 - state->options.ttl_jitter * random_unit();
    ttl = std::max(Duration(1), Duration(static_cast<Duration::rep>(static_cast<double>(ttl.count()) * kept)));
  }
  auto setting = state->driver->set(ctx, std::move(key), std::move(bytes), ttl);
  auto done = co_await std::move(setting);
  detail::count(done ? state->meters.stores : state->meters.errors);
  co_return done;
}

Task<Result<bool>> Cache::erase_key(StatePtr state, Context& ctx, std::string key) {
  auto erasing = state->driver->erase(ctx, std::move(key));
  co_return co_await std::move(erasing);
}

namespace detail {

std::string encode_absent(const Error& error) { return kAbsent + error.message(); }

bool is_absent(std::string_view bytes) { return !bytes.empty() && bytes.front() == kAbsent; }

Error absent_error(std::string_view bytes) { return not_found(std::string(bytes.substr(1))); }

FlightPtr Flights::join(const std::string& key) {
  runtime::Loop* const loop = &runtime::Loop::current();
  std::lock_guard lock(mutex_);
  if (auto found = flights_.find(Key{loop, key}); found != flights_.end()) return found->second;
  auto flight = std::make_shared<Flight>();
  flight->loop = loop;
  flight->key = key;
  flights_.emplace(Key{loop, flight->key}, flight);
  return flight;
}

void Flights::leave(const Flight& flight) {
  std::lock_guard lock(mutex_);
  flights_.erase(Key{flight.loop, flight.key});
}

}  // namespace detail
}  // namespace yun::cache
