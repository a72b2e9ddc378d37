#include "yun/gateway/reloader.hpp"

#include "yun/config/yaml.hpp"
#include "yun/gateway/snapshot.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::gateway {

using namespace std::chrono_literals;

namespace {
constexpr auto kOldRequests = 1s;  // after that few requests still use the old configuration
}  // namespace

Reloader::Reloader(Gateway& gateway, std::string path)
    : gateway_(gateway), watch_(std::move(path)), reader_(std::string(Config::name_of(watch_.path()))), thread_({.threads = 1, .max_queued = 2}) {}

Result<void> Reloader::load() {
  YUN_GET(made, make(true));
  Result<void> applied = gateway_.apply(std::move(made.snapshot));
  stands_ = applied.ok();
  return applied;
}

void Reloader::again() {
  asked_ = true;
  if (!watch_.is_being_written()) wanted_.set();
}

Task<void> Reloader::run(Context& ctx) {
  runtime::Scope scope;
  scope.spawn(follow(ctx));
  while (!ctx.done()) {
    Cancel quiet(ctx, has_old_ ? Clock::now() + kOldRequests : TimePoint::max());
    auto wanted = co_await wanted_.wait(quiet);
    if (ctx.done()) break;
    if (!wanted) {
      has_old_ = false;
      (void)co_await thread_.run(ctx, [this] { return free_old(); });  // what is still in use is freed at the next change
      continue;
    }
    wanted_.reset();
    const TimePoint began = Clock::now();
    const bool asked = std::exchange(asked_, false);
    auto made = co_await thread_.run(ctx, [this, asked] { return make(asked); });
    if (ctx.done()) break;
    take(std::move(made), asked, began);
  }
  co_await scope.join();
}

Task<void> Reloader::follow(Context& ctx) {
  for (;;) {
    auto changed = co_await watch_.changed(ctx);
    if (!changed) co_return;
    wanted_.set();
  }
}

Result<void> Reloader::free_old() {
  gateway_.free_discarded();
  return {};
}

/// On the thread.
Result<Reloader::Made> Reloader::make(bool asked) {
  YUN_GET(text, Config::read_file(watch_.path()));
  const bool same = text == (refused_ ? *refused_ : reader_.text());
  if (same && (stands_ || !asked)) return Made{};
  stands_ = false;
  auto config = reader_.read(text);
  if (!config) {
    refused_ = std::move(text);
    return std::move(config).error();
  }
  refused_.reset();
  const std::size_t routes = config->routes.size();
  return Made{gateway_.prepare(std::move(*config)), routes, reader_.fresh()};
}

void Reloader::take(Result<Made> made, bool asked, TimePoint began) {
  if (!made && made.error().reason() == config::kFileChanging) {
    asked_ = asked_ || asked;  // what changed it is told as well, once it is done
    return;
  }
  if (made && !made->snapshot) {
    if (asked && stands_) observe::log::info("configuration unchanged", {{"file", watch_.path()}});
    return;
  }
  Result<void> applied = made ? gateway_.apply(std::move(made->snapshot)) : Result<void>(made.error());
  stands_ = applied.ok();
  if (!applied) {
    gateway_.count_refused();
    observe::log::error("configuration refused; the old one stays", {{"file", watch_.path()}, {"error", applied.error().message()}});
    return;
  }
  has_old_ = true;
  observe::log::info("configuration applied",
                     {{"file", watch_.path()}, {"routes", made->routes}, {"routes_read", made->fresh}, {"duration", Clock::now() - began}});
}

}  // namespace yun::gateway
