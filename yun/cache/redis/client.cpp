#include "yun/cache/redis/client.hpp"

#include <algorithm>

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

}  // namespace

struct Client::State {
  std::shared_ptr<const Options> options;
  std::shared_ptr<Notices> notices;
  runtime::PerLoop<Links> links;
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
  const TimePoint began = Clock::now();
  trace::Span span(ctx, command.name(), trace::Kind::Client);
  span.set("db.system.name", "redis");
  span.set("db.operation.name", command.name());
  span.set("db.namespace", state->options->database);
  span.set("server.address", state->options->host);
  span.set("server.port", state->options->port);
  auto exchanging = exchange(state, ctx, command);
  auto reply = co_await std::move(exchanging);
  if (reply && reply->is(Value::Kind::Error)) reply = to_error(*reply);
  if (!reply) span.fail(reply.error());
  state->notices->call(reply ? nullptr : &reply.error(), Clock::now() - began, ctx.trace());
  co_return reply;
}

Task<Result<Value>> Client::exchange(StatePtr state, Context& ctx, const Command& command) {
  YUN_CHECK(ctx.check());
  const auto links = state->links.local([&] {
    auto made = std::make_shared<Links>(state->options, state->notices);
    made->start();
    return made;
  });
  Context within(ctx, state->options->timeout);
  const std::shared_ptr<Link> link = links->pick();
  Result<void> waited = co_await link->settled().wait(within);
  Link::Call call;
  if (waited) {
    YUN_CHECK(link->send(call, command));
    waited = co_await call.done.wait(within);
  }
  if (waited || call.done.is_set()) co_return std::move(call.answer);
  YUN_CHECK(ctx.check());
  co_return deadline_exceeded("redis at " + state->options->where() + " did not answer within " + format_duration(state->options->timeout)).with_reason("redis_timeout");
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
