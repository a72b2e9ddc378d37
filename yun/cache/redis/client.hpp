#pragma once
// Client: commands to one Redis (or what speaks its protocol), from any loop.
//
//     YUN_TRY(client, redis::Client::open("redis://:secret@cache:6379/0"));
//     YUN_TRY(count, co_await client.call(ctx, redis::Command{"INCR", "visits"}));
//
// Each loop has `connections` of its own; commands are pipelined over them and never wait for one another's answer. A command ends with its answer,
// with the Context, or after `timeout`, whichever is first; what was given up may have been done all the same. While Redis is away a command fails
// at once. No command that blocks on the server (BLPOP, WAIT) or changes the connection (SELECT, SUBSCRIBE, MULTI, HELLO) may be sent here: connections are shared.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "yun/cache/redis/options.hpp"
#include "yun/observe/context.hpp"
#include "yun/runtime/task.hpp"

namespace yun::cache::redis {

/// A Lua script. The server knows it by its SHA, which is learnt with the first run; shared by all loops.
class Script {
 public:
  explicit Script(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  friend class Client;
  std::string sha() const;
  void learn(std::string sha) const;
  std::string text_;
  mutable std::mutex mutex_;
  mutable std::string sha_;
};

/// Copies share the connections, which close with the last of them.
class Client {
 public:
  /// Connects with the first call. InvalidArgument that names the part of the URL at fault.
  static Result<Client> open(std::string_view url, Options defaults = {});
  explicit Client(Options options);

  /// The reply; an Error reply is an Error (see to_error). Unavailable with reason redis_unavailable while Redis is away or the connection broke, with
  /// redis_queue_full when too many are under way; DeadlineExceeded with reason redis_timeout after `timeout`; the Context's errors. Cancellation-safe.
  Task<Result<Value>> call(Context& ctx, Command command) const { return call_on(state_, ctx, std::move(command)); }

  /// Several commands in one go on one connection; their replies, Error replies among them. An error as of call() is one of all of them.
  Task<Result<std::vector<Value>>> pipeline(Context& ctx, std::vector<Command> commands) const { return pipeline_on(state_, ctx, std::move(commands)); }

  /// EVALSHA; a server that does not know the script (restarted, flushed) is given it again. `script` outlives the task. Errors as call().
  Task<Result<Value>> run(Context& ctx, const Script& script, std::vector<std::string> keys, std::vector<std::string> arguments) const {
    return run_on(state_, ctx, script, std::move(keys), std::move(arguments));
  }

  const Options& options() const;

 private:
  struct State;
  using StatePtr = std::shared_ptr<State>;
  static Task<Result<Value>> call_on(StatePtr state, Context& ctx, Command command);
  static Task<Result<std::vector<Value>>> pipeline_on(StatePtr state, Context& ctx, std::vector<Command> commands);
  static Task<Result<Value>> run_on(StatePtr state, Context& ctx, const Script& script, std::vector<std::string> keys, std::vector<std::string> arguments);
  StatePtr state_;
};

}  // namespace yun::cache::redis
