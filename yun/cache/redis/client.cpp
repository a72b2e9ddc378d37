#include "yun/cache/redis/client.hpp"

#include <algorithm>
#include <span>

#include "yun/cache/redis/link.hpp"
#include "yun/observe/trace/trace.hpp"
#include "yun/runtime/per_loop.hpp"

namespace yun::cache::redis {

namespace {

/// One loop's connections.
class Links {
 public:
  Links(const std::shared_ptr<const Options>& options, const std::shared_ptr<Notices>& notices) {
    for (unsigned i = 0; i < options->connections; ++i) links_.push_back(std::make_shared<Link>(options, notices));
  }
  void start() {
    for (const auto& link : links_) runtime::Loop::current().spawn(Link::run(link));
  }
  void close() {
    for (const auto& link : links_) link->close();
  }
  /// The one with the least under way among those that are up; any if none is.
  const std::shared_ptr<Link>& pick() const {
    return *std::ranges::min_element(links_, {}, [](const auto& link) { return std::pair(!link->is_up(), link->in_flight()); });
  }

 private:
  std::vector<std::shared_ptr<Link>> links_;
};

Command script_command(std::string_view verb, std::string_view script, const std::vector<std::string>& keys, const std::vector<std::string>& arguments) {
  Command command{verb, script};
  command.add(static_cast<std::int64_t>(keys.size()));
  for (const std::string& key : keys) command.add(key);
  for (const std::string& argument : arguments) command.add(argument);
  return command;
}

/// What a call leaves behind: a span, and the client's metrics.
class Observed {
 public:
  Observed(const Options& options, Notices& notices, Context& ctx, std::string_view operation)
      : notices_(notices), ctx_(ctx), began_(Clock::now()), span_(ctx, operation, trace::Kind::Client) {
    if (!span_.sampled()) return;
    span_.set("db.system.name", "redis");
    span_.set("db.operation.name", operation);
    span_.set("db.namespace", std::to_string(options.database));
    span_.set("server.address", options.host);
    span_.set("server.port", options.port);
  }
  void end(const Result<void>& done) {
    const Error* error = done ? nullptr : &done.error();
    if (error) span_.fail(*error);
    notices_.call(error, Clock::now() - began_, ctx_.trace());
    span_.end();
  }

 private:
  Notices& notices_;
  Context& ctx_;
  TimePoint began_;
  trace::Span span_;
};

}  // namespace

struct Client::State {
  std::shared_ptr<const Options> options;
  std::shared_ptr<Notices> notices;
  runtime::PerLoop<Links> links;

  /// Sends `commands` on one connection of this loop; ok when each of `calls` has its answer.
  Task<Result<void>> exchange(Context& ctx, std::span<const Command> commands, std::span<Link::Call> calls);
};

std::string Script::sha() const {
  std::lock_guard lock(mutex_);
  return sha_;
}

void Script::learn(std::string sha) const {
  std::lock_guard lock(mutex_);
  sha_ = std::move(sha);
}

Result<Client> Client::open(std::string_view url, Options defaults) {
  YUN_GET(options, parse_url(url, std::move(defaults)));
  return Client(std::move(options));
}

Client::Client(Options options) : state_(std::make_shared<State>()) {
  state_->notices = std::make_shared<Notices>(options);
  state_->options = std::make_shared<const Options>(std::move(options));
}

const Options& Client::options() const { return *state_->options; }

Task<Result<Value>> Client::call_on(StatePtr state, Context& ctx, Command command) {
  Observed observed(*state->options, *state->notices, ctx, command.name());
  Link::Call call;
  auto exchanging = state->exchange(ctx, {&command, 1}, {&call, 1});
  auto done = co_await std::move(exchanging);
  if (done && call.answer->is(Value::Kind::Error)) done = to_error(*call.answer);
  observed.end(done);
  if (!done) co_return std::move(done).error();
  co_return std::move(call.answer);
}

Task<Result<std::vector<Value>>> Client::pipeline_on(StatePtr state, Context& ctx, std::vector<Command> commands) {
  Observed observed(*state->options, *state->notices, ctx, "PIPELINE");
  std::vector<Link::Call> calls(commands.size());
  auto exchanging = state->exchange(ctx, commands, calls);
  auto done = co_await std::move(exchanging);
  observed.end(done);
  if (!done) co_return std::move(done).error();
  std::vector<Value> replies;
  for (Link::Call& call : calls) replies.push_back(*std::move(call.answer));
  co_return std::move(replies);
}

Task<Result<void>> Client::State::exchange(Context& ctx, std::span<const Command> commands, std::span<Link::Call> calls) {
  YUN_CHECK(ctx.check());
  const auto here = links.local([&] {
    auto made = std::make_shared<Links>(options, notices);
    made->start();
    return made;
  });
  Context within(ctx, options->timeout);
  const std::shared_ptr<Link> link = here->pick();
  auto waited = co_await link->settled().wait(within);
  if (waited) {
    for (std::size_t i = 0; i < calls.size(); ++i) YUN_CHECK(link->send(calls[i], commands[i]));
  }
  for (Link::Call& call : calls) {
    if (waited) waited = co_await call.done.wait(within);
    if (!call.done.is_set()) break;
    if (!call.answer) co_return call.answer.error();
  }
  if (calls.empty() || calls.back().done.is_set()) co_return Result<void>();
  YUN_CHECK(ctx.check());
  co_return deadline_exceeded("redis at " + options->where() + " did not answer within " + format_duration(options->timeout)).with_reason("redis_timeout");
}

Task<Result<Value>> Client::run_on(StatePtr state, Context& ctx, const Script& script, std::vector<std::string> keys, std::vector<std::string> arguments) {
  std::string sha = script.sha();
  if (sha.empty()) {
    auto loading = call_on(state, ctx, Command{"SCRIPT", "LOAD", script.text()});
    YUN_TRY(loaded, co_await std::move(loading));
    sha = loaded.text;
    script.learn(sha);
  }
  auto running = call_on(state, ctx, script_command("EVALSHA", sha, keys, arguments));
  auto reply = co_await std::move(running);
  if (reply || reply.error().reason() != "redis_noscript") co_return reply;
  auto evaluating = call_on(std::move(state), ctx, script_command("EVAL", script.text(), keys, arguments));
  co_return co_await std::move(evaluating);
}

}  // namespace yun::cache::redis
