#include "yun/discovery/kept_registry.hpp"

#include "yun/discovery/backoff.hpp"
#include "yun/discovery/etcd/client.hpp"
#include "yun/discovery/etcd/entry.hpp"

namespace yun::discovery {

namespace {

using namespace std::chrono_literals;

class EtcdRegistry final : public KeptRegistry {
 public:
  explicit EtcdRegistry(EtcdTarget target) : KeptRegistry(target.url), target_(std::move(target)), client_(target_) {}

  Task<Result<void>> register_self(Context& ctx, Instance instance) override {
    YUN_CHECK(check_reachable(instance));
    if (instance.service.find('/') != std::string::npos || instance.id.find('/') != std::string::npos)
      co_return invalid_argument("'" + instance.service + "/" + instance.id + "': a slash would make it another key of etcd");
    (void)co_await stop();  // gives nothing
    alive_.reset();
    const std::int64_t before = std::exchange(lease_, 0);
    instance_ = std::move(instance);
    auto done = co_await tell(ctx);
    // Only now, so that nobody misses it meanwhile: a key that was put again belongs to its new lease. One that cannot be revoked ends by itself.
    if (before != 0) (void)co_await client_.revoke(ctx, before);
    keep(done.ok());
    co_return done;
  }

  Task<Result<void>> deregister(Context& ctx) override {
    if (!is_kept()) co_return Result<void>();
    (void)co_await stop();  // gives nothing
    alive_.reset();
    const std::int64_t lease = std::exchange(lease_, 0);
    is_put_ = false;
    if (lease == 0) co_return Result<void>();
    co_return co_await client_.revoke(ctx, lease);
  }

 private:
  /// The key under a lease of its own: one that was lost took the key with it.
  Task<Result<void>> tell(Context& ctx) override {
    is_put_ = false;
    lease_ = 0;
    YUN_TRY(lease, co_await client_.grant(ctx, target_.ttl));
    lease_ = lease;
    EtcdEntry entry{etcd_key_of(target_.path, instance_), etcd_value_of(instance_, target_.tags)};
    YUN_CHECK(co_await client_.put(ctx, std::move(entry), lease));
    is_put_ = true;
    co_return Result<void>();
  }

  Duration pause(int failures) const override {
    const Duration third = target_.ttl / 3;
    return failures > 0 ? std::min(backoff(failures), third) : third;
  }

  /// Renews the lease. NotFound when etcd knows it no more: it was away for too long, or its data is gone.
  Task<Result<void>> say_alive(Context& ctx, bool) override {
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
  std::int64_t lease_ = 0;
  bool is_put_ = false;
  std::unique_ptr<EtcdKeepAlive> alive_;
};

}  // namespace

Result<std::unique_ptr<Registry>> open_etcd_registry(std::string_view url) {
  YUN_GET(target, parse_etcd_url(url));
  return std::unique_ptr<Registry>(std::make_unique<EtcdRegistry>(std::move(target)));
}

}  // namespace yun::discovery
