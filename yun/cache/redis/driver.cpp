#include "yun/cache/redis/driver.hpp"

#include <atomic>

#include "yun/cache/redis/client.hpp"

namespace yun::cache::redis {

namespace {

Error unexpected(std::string_view command) { return internal_error("redis gave an unexpected reply to " + std::string(command)).with_reason("redis_protocol"); }

class Remote final : public Driver {
 public:
  explicit Remote(Options options) : client_(std::move(options)) {}

  Task<Result<std::optional<std::string>>> get(Context& ctx, std::string key) override {
    auto calling = client_.call(ctx, Command{"GET", prefixed(key)});
    YUN_TRY(reply, co_await std::move(calling));
    if (reply.is(Value::Kind::Null)) {
      misses_.fetch_add(1, std::memory_order_relaxed);
      co_return std::optional<std::string>();
    }
    if (!reply.is(Value::Kind::Text)) co_return unexpected("GET");
    hits_.fetch_add(1, std::memory_order_relaxed);
    co_return std::optional<std::string>(std::move(reply.text));
  }

  Task<Result<void>> set(Context& ctx, std::string key, std::string value, Duration ttl) override {
    Command command{"SET", prefixed(key), value};
    if (ttl != Duration::max()) {
      const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(ttl).count();
      command.add("PX").add(std::max<std::int64_t>(1, milliseconds));
    }
    auto calling = client_.call(ctx, std::move(command));
    YUN_TRY(reply, co_await std::move(calling));
    if (!reply.is(Value::Kind::Text)) co_return unexpected("SET");
    co_return Result<void>();
  }

  Task<Result<bool>> erase(Context& ctx, std::string key) override {
    auto calling = client_.call(ctx, Command{"DEL", prefixed(key)});
    YUN_TRY(reply, co_await std::move(calling));
    if (!reply.is(Value::Kind::Integer)) co_return unexpected("DEL");
    co_return reply.integer > 0;
  }

  Stats stats() const override { return {.hits = hits_.load(std::memory_order_relaxed), .misses = misses_.load(std::memory_order_relaxed)}; }

 private:
  std::string prefixed(const std::string& key) const { return client_.options().prefix + key; }

  Client client_;
  std::atomic<std::uint64_t> hits_{0};
  std::atomic<std::uint64_t> misses_{0};
};

}  // namespace

Result<std::shared_ptr<Driver>> open_driver(std::string_view url, const CacheOptions& cache) {
  YUN_GET(options, parse_url(url));
  options.name = cache.name;
  options.metrics = cache.metrics;
  return std::make_shared<Remote>(std::move(options));
}

}  // namespace yun::cache::redis
