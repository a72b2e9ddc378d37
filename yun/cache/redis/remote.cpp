#include "yun/cache/redis/remote.hpp"

#include <algorithm>

namespace yun::cache::redis {

namespace {
Error unexpected(std::string_view command) { return internal_error("redis gave an unexpected reply to " + std::string(command)).with_reason("redis_protocol"); }
}  // namespace

Result<std::optional<std::string>> Remote::read(Value reply) {
  if (reply.is(Value::Kind::Error)) return to_error(reply);
  if (reply.is(Value::Kind::Null)) {
    misses_.fetch_add(1, std::memory_order_relaxed);
    return std::optional<std::string>();
  }
  if (!reply.is(Value::Kind::Text)) return unexpected("GET");
  hits_.fetch_add(1, std::memory_order_relaxed);
  return std::optional<std::string>(std::move(reply.text));
}

Task<Result<std::optional<std::string>>> Remote::get(Context& ctx, std::string key) {
  auto calling = client_.call(ctx, Command("GET", prefixed(key)));
  YUN_TRY(reply, co_await std::move(calling));
  co_return read(std::move(reply));
}

Task<Result<std::optional<Remote::Entry>>> Remote::get_entry(Context& ctx, std::string key) {
  const std::string name = prefixed(key);
  std::vector<Command> commands;
  commands.emplace_back("GET", name);
  commands.emplace_back("PTTL", name);
  auto calling = client_.pipeline(ctx, std::move(commands));
  YUN_TRY(replies, co_await std::move(calling));
  YUN_TRY(value, read(std::move(replies[0])));
  // -2: it went between the two.
  if (!value || replies[1].integer == -2) co_return std::optional<Entry>();
  if (!replies[1].is(Value::Kind::Integer)) co_return unexpected("PTTL");
  const Duration left = replies[1].integer < 0 ? Duration::max() : std::chrono::milliseconds(replies[1].integer);
  co_return std::optional<Entry>({.value = std::move(*value), .left = left});
}

Task<Result<void>> Remote::set(Context& ctx, std::string key, std::string value, Duration ttl) {
  Command command("SET", prefixed(key), value);
  if (ttl != Duration::max()) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(ttl).count();
    command.add("PX").add(std::max<std::int64_t>(1, milliseconds));
  }
  auto calling = client_.call(ctx, std::move(command));
  YUN_TRY(reply, co_await std::move(calling));
  if (!reply.is(Value::Kind::Text)) co_return unexpected("SET");
  co_return Result<void>();
}

Task<Result<bool>> Remote::erase(Context& ctx, std::string key) {
  auto calling = client_.call(ctx, Command("DEL", prefixed(key)));
  YUN_TRY(reply, co_await std::move(calling));
  if (!reply.is(Value::Kind::Integer)) co_return unexpected("DEL");
  co_return reply.integer > 0;
}

Stats Remote::stats() const { return {.hits = hits_.load(std::memory_order_relaxed), .misses = misses_.load(std::memory_order_relaxed)}; }

}  // namespace yun::cache::redis
