#include "yun/discovery/kept_registry.hpp"

#include "yun/observe/log/log.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

void KeptRegistry::keep(bool known) {
  life_ = std::make_unique<Context>();
  scope_.spawn(run(*life_, known));
}

Task<void> KeptRegistry::stop() {
  if (!life_) co_return;
  life_->cancel();
  (void)co_await scope_.join();  // gives nothing
  life_.reset();
}

Task<void> KeptRegistry::run(Context& ctx, bool known) {
  int failures = known ? 0 : 1;
  while (!ctx.done()) {
    (void)co_await runtime::sleep_for(ctx, pause(failures));  // cancelled: the condition sees it
    if (ctx.done()) co_return;
    auto alive = co_await say_alive(ctx, failures > 0);
    if (!alive && alive.error().code() == Code::NotFound) alive = co_await tell(ctx);
    if (ctx.done()) co_return;
    if (alive && failures > 0) observe::log::info("registered", {{"registry", registry_}, {"service", instance_.service}, {"id", instance_.id}});
    if (!alive && failures == 0) observe::log::warn("the registry is away; this instance may be forgotten until it is back", {{"registry", registry_}, {"error", alive.error()}});
    failures = alive ? 0 : failures + 1;
  }
}

}  // namespace yun::discovery
