#pragma once
// Cache: the owning value; copies share one store, which goes with the last of them.
//
// Values are any type that json can write and read (std::string is kept as it is). A time to live is shortened by up to `ttl_jitter`, so that what was
// stored together does not expire together. An unreadable entry (the type has changed) counts as a miss.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "yun/cache/driver.hpp"
#include "yun/cache/flight.hpp"
#include "yun/json/read.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun::cache {

struct CacheOptions {
  Duration negative_ttl = std::chrono::seconds(5);  ///< how long get_or_load remembers that there is nothing; zero = not at all
  double ttl_jitter = 0.1;                          ///< 0 .. 1
  std::string name = "default";                     ///< the metrics' label `cache`
  metrics::Registry* metrics = nullptr;             ///< must outlive the cache
  TimePoint (*clock)() = &Clock::now;               ///< for tests of memory://
};

class Cache {
 public:
  /// Empty: any call but valid() is a bug.
  Cache() = default;
  Cache(std::shared_ptr<Driver> driver, const CacheOptions& options);
  bool valid() const { return state_ != nullptr; }

  /// Nullopt if it is not there, has expired, or is remembered as absent. Errors: the driver's.
  template <typename T = std::string>
  Task<Result<std::optional<T>>> get(Context& ctx, std::string_view key) const {
    return get_value<T>(state_, ctx, std::string(key));
  }
  /// `ttl` above zero.
  template <typename T>
  Task<Result<void>> set(Context& ctx, std::string_view key, const T& value, Duration ttl) const {
    return set_bytes(state_, ctx, std::string(key), detail::encode(value), ttl);
  }
  /// True if it was there.
  Task<Result<bool>> erase(Context& ctx, std::string_view key) const { return erase_key(state_, ctx, std::string(key)); }

  /// What is stored, else what load(ctx) gives (a Task<Result<T>>), stored for `ttl`. On each loop one load runs for a key: others wait for it and
  /// get its result, but not its Cancelled or DeadlineExceeded, after which the next one loads. NotFound is remembered for
  /// negative_ttl; other errors are not. A store that fails is passed by: the value is loaded. `load` is kept until its task has ended.
  template <typename T, typename F>
  Task<Result<T>> get_or_load(Context& ctx, std::string_view key, Duration ttl, F load) const {
    static_assert(std::is_same_v<std::invoke_result_t<F&, Context&>, Task<Result<T>>>, "load takes a Context& and returns a Task<Result<T>>");
    detail::Load<T> erased = std::move(load);
    return load_value<T>(state_, ctx, std::string(key), ttl, std::move(erased));
  }

  Stats stats() const { return state_->driver->stats(); }

 private:
  struct State {
    std::shared_ptr<Driver> driver;
    CacheOptions options;
    mutable detail::Flights flights;
    detail::Meters meters;
  };
  using StatePtr = std::shared_ptr<const State>;

  static Task<Result<std::optional<std::string>>> get_bytes(StatePtr state, Context& ctx, std::string key);
  static Task<Result<void>> set_bytes(StatePtr state, Context& ctx, std::string key, std::string bytes, Duration ttl);
  static Task<Result<bool>> erase_key(StatePtr state, Context& ctx, std::string key);
  template <typename T>
  static Task<Result<std::optional<T>>> get_value(StatePtr state, Context& ctx, std::string key);
  template <typename T>
  static Task<Result<T>> load_value(StatePtr state, Context& ctx, std::string key, Duration ttl, detail::Load<T> load);
  template <typename T>
  static Task<Result<T>> lead(StatePtr state, Context& ctx, std::string key, Duration ttl, detail::Load<T> load);

  StatePtr state_;
};

/// In the library yun::cache_all.
///   memory://?max=64MiB (the default)   in this process, shared by its loops
///   redis://user:password@host:6379/0?connections=1&timeout=100ms&connect_timeout=1s&prefix=shop:&memory=64MiB   a Redis, connected to with the first call;
///                                       with `memory` a tier in this process before it
///   rediss://..&ca=FILE                 the same over TLS
/// A Redis that is away makes calls fail at once (Unavailable, reason redis_unavailable) and get_or_load load. InvalidArgument for an unknown scheme or
/// parameter.
Result<Cache> open(std::string_view url, CacheOptions options);
inline Result<Cache> open(std::string_view url) { return open(url, CacheOptions{}); }

// ---- detail ----

template <typename T>
Task<Result<std::optional<T>>> Cache::get_value(StatePtr state, Context& ctx, std::string key) {
  auto getting = get_bytes(std::move(state), ctx, std::move(key));
  YUN_TRY(bytes, co_await std::move(getting));
  if (!bytes) co_return std::optional<T>();
  co_return detail::decode<T>(*bytes);
}

template <typename T>
Task<Result<T>> Cache::load_value(StatePtr state, Context& ctx, std::string key, Duration ttl, detail::Load<T> load) {
  for (;;) {
    auto getting = get_bytes(state, ctx, key);
    auto stored = co_await std::move(getting);
    if (stored && *stored) {
      if (detail::is_absent(**stored)) co_return detail::absent_error(**stored);
      auto value = detail::decode<T>(**stored);
      if (value) co_return *std::move(value);
    }
    detail::FlightPtr flight = state->flights.join(key);
    if (flight->is_mine()) {
      detail::Landing landing(state->flights, flight);
      auto leading = lead<T>(state, ctx, std::move(key), ttl, std::move(load));
      auto loaded = co_await std::move(leading);
      landing.set(loaded ? Result<std::string>(detail::encode(*loaded)) : Result<std::string>(loaded.error()));
      co_return loaded;
    }
    YUN_CHECK(co_await flight->landed.wait(ctx));
    const Result<std::string>& theirs = flight->outcome;
    if (!theirs) {
      const Code code = theirs.error().code();
      if (code == Code::Cancelled || code == Code::DeadlineExceeded) continue;
      co_return theirs.error();
    }
    auto value = detail::decode<T>(*theirs);
    if (!value) co_return internal_error("cached value does not read back as its own type");
    co_return *std::move(value);
  }
}

template <typename T>
Task<Result<T>> Cache::lead(StatePtr state, Context& ctx, std::string key, Duration ttl, detail::Load<T> load) {
  auto loading = load(ctx);
  auto loaded = co_await std::move(loading);
  std::string bytes;
  if (loaded) {
    bytes = detail::encode(*loaded);
  } else if (loaded.error().code() == Code::NotFound && state->options.negative_ttl > Duration(0)) {
    bytes = detail::encode_absent(loaded.error());
    ttl = state->options.negative_ttl;
  } else {
    co_return loaded;
  }
  auto storing = set_bytes(std::move(state), ctx, std::move(key), std::move(bytes), ttl);
  (void)co_await std::move(storing);  // a store that fails must not fail the load; its error is counted
  co_return loaded;
}

}  // namespace yun::cache
