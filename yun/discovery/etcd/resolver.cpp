#include "yun/discovery/backoff.hpp"
#include "yun/discovery/etcd/entry.hpp"
#include "yun/discovery/etcd/view.hpp"
#include "yun/discovery/known.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

namespace {

using balance::EndpointSet;
using namespace std::chrono_literals;

constexpr Duration kFresh = 1s;    // so old an answer may be for resolve()
constexpr Duration kAtLeast = 1s;  // between two looks at whether the guard is over

class EtcdResolver final : public balance::Resolver {
 public:
  explicit EtcdResolver(EtcdTarget target)
      : target_(std::move(target)),
        service_(target_.path.substr(target_.path.rfind('/') + 1)),
        view_(target_, {.key = etcd_prefix_of(target_.path), .prefix = true}),
        known_({.name = target_.url, .guard = target_.guard, .keep_in = target_.keep_in}) {}

  Task<Result<EndpointSet>> resolve(Context& ctx) override {
    if (!waiting_ && Clock::now() - asked_ >= kFresh) {
      auto looked = co_await view_.look(ctx);
      if (looked) learn();
      if (!looked && known_.set().revision == 0) co_return std::move(looked).error().with_reason("no_endpoints");
    }
    co_return known_.set();
  }

  Task<Result<EndpointSet>> next(Context& ctx, std::uint64_t revision) override {
    const Waiting here(waiting_);
    while (known_.set().revision == revision || known_.set().revision == 0) {
      Context until_guard(ctx, known_.guarded_until() == TimePoint::max() ? TimePoint::max() : std::max(known_.guarded_until(), Clock::now() + kAtLeast));
      auto followed = co_await view_.follow(until_guard);
      YUN_CHECK(ctx.check());
      if (followed || until_guard.done()) {
        if (followed) failures_ = 0;
        learn();
        continue;
      }
      if (++failures_ == 1) observe::log::warn(ctx, "the registry is away; the last known endpoints are used", {{"resolver", target_.url}, {"error", followed.error()}});
      wanted_.reset();
      Context pause(ctx, backoff(failures_));
      (void)co_await wanted_.wait(pause);  // told to hurry, or the time is over: both mean ask again
      YUN_CHECK(ctx.check());
    }
    co_return known_.set();
  }

  /// Cuts a pause after a failure short; a watch needs no hint.
  void refresh() override { wanted_.set(); }
  std::string_view name() const override { return target_.url; }

 private:
  struct Waiting {
    explicit Waiting(bool& flag) : flag_(flag) { flag_ = true; }
    ~Waiting() { flag_ = false; }
    bool& flag_;
  };

  void learn() {
    std::vector<balance::Endpoint> found;
    for (const auto& [key, value] : view_.entries()) {
      if (auto endpoint = etcd_endpoint_of(value, service_, target_.tags)) found.push_back(std::move(*endpoint));
    }
    asked_ = Clock::now();
    (void)known_.learn(std::move(found), asked_);  // the revision tells
  }

  const EtcdTarget target_;
  const std::string service_;
  EtcdView view_;
  Known known_;
  TimePoint asked_;
  int failures_ = 0;
  bool waiting_ = false;
  runtime::Event wanted_;
};

}  // namespace

Result<std::unique_ptr<balance::Resolver>> open_etcd_resolver(std::string_view url) {
  YUN_GET(target, parse_etcd_url(url));
  if (target.path.empty()) return invalid_argument("etcd url: no service; write etcd://host:2379/service");
  return std::unique_ptr<balance::Resolver>(std::make_unique<EtcdResolver>(std::move(target)));
}

}  // namespace yun::discovery
