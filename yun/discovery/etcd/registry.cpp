#include "yun/discovery/registry.hpp"

#include "yun/discovery/backoff.hpp"
#include "yun/discovery/etcd/client.hpp"
#include "yun/discovery/etcd/entry.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

namespace {

using namespace std::chrono_literals;

class EtcdRegistry final : public Registry {
 public:
  explicit EtcdRegistry(EtcdTarget target) : target_(std::move(target)), client_(target_) {}

  Task<Result<void>> register_self(Context& ctx, Instance instance) override {
    YUN_CHECK(check_reachable(instance));
    if (instance.service.find('/') != std::string::npos || instance.id.find('/') != std::string::npos)
      co_return invalid_argument("'" + instance.service + "/" + instance.id + "': a slash would make it another key of etcd");
    (void)co_await stop();  // gives nothing
    const std::int64_t before = std::exchange(lease_, 0);
    instance_ = std::move(instance);
    auto done = co_await put(ctx);
    // Only now, so that nobody misses it meanwhile: a key that was put again belongs to its new lease. One that cannot be revoked ends by itself.
    if (before != 0) (void)co_await client_.revoke(ctx, before);
    life_ = std::make_unique<Context>();
    scope_.spawn(keep(*life_, done.ok()));
    co_return done;
  }

  Task<Result<void>> deregister(Context& ctx) override {
    if (!life_) co_return Result<void>();
    (void)co_await stop();  // gives nothing
    const std::int64_t lease = std::exchange(lease_, 0);
    is_put_ = false;
    if (lease == 0) co_return Result<void>();
    co_return co_await client_.revoke(ctx, lease);
  }

 private:
  Task<void> stop() {
    if (!life_) co_return;
    life_->cancel();
    (void)co_await scope_.join();  // gives nothing
    life_.reset();
    alive_.reset();
  }

  /// The key under a lease of its own: one that was lost took the key with it.
  Task<Result<void>> put(Context& ctx) {
    is_put_ = false;
    lease_ = 0;
    YUN_TRY(lease, co_await client_.grant(ctx, target_.ttl));
    lease_ = lease;
    EtcdEntry entry{etcd_key_of(target_.path, instance_), etcd_value_of(instance_, target_.tags)};
    YUN_CHECK(co_await client_.put(ctx, std::move(entry), lease));
    is_put_ = true;
    co_return Result<void>();
  }

  /// Renews the lease, and puts the key again when etcd knows the lease no more (it was away for too long, or its data is gone).
  Task<void> keep(Context& ctx, bool known) {
    int failures = known ? 0 : 1;
    while (!ctx.done()) {
      const Duration third = target_.ttl / 3;
      (void)co_await runtime::sleep_for(ctx, failures > 0 ? std::min(backoff(failures), third) : third);  // cancelled: the condition sees it
      if (ctx.done()) co_return;
      auto renewed = co_await renew(ctx);
      if (!renewed && renewed.error().code() == Code::NotFound) renewed = co_await put(ctx);
      if (ctx.done()) co_return;
      if (renewed && failures > 0) observe::log::info("registered", {{"registry", target_.url}, {"service", instance_.service}, {"id", instance_.id}});
      if (!renewed && failures == 0) observe::log::warn("the registry is away; this instance may be forgotten until it is back", {{"registry", target_.url}, {"error", renewed.error()}});
      failures = renewed ? 0 : failures + 1;
    }
  }

  Task<Result<void>> renew(Context& ctx) {
    if (!is_put_) co_return not_found("not registered yet");
    Context limited(ctx, std::max<Duration>(1s, target_.ttl / 3));
    if (!alive_) {
      YUN_TRY(alive, co_await client_.keep_alive(limited));
      alive_ = std::move(alive);
    }
    auto renewed = co_await alive_->renew(limited, lease_);
    if (!renewed) alive_.reset();  // the next stream may go to another server
    co_return renewed;
  }

  const EtcdTarget target_;
  EtcdClient client_;
  Instance instance_;
  std::int64_t lease_ = 0;
  bool is_put_ = false;
  std::unique_ptr<EtcdKeepAlive> alive_;
  std::unique_ptr<Context> life_;
  runtime::Scope scope_;
};

}  // namespace

Result<std::unique_ptr<Registry>> open_etcd_registry(std::string_view url) {
  YUN_GET(target, parse_etcd_url(url));
  return std::unique_ptr<Registry>(std::make_unique<EtcdRegistry>(std::move(target)));
}

}  // namespace yun::discovery
