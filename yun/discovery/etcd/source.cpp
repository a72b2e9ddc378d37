#include <optional>

#include "yun/discovery/backoff.hpp"
#include "yun/discovery/etcd/view.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

namespace {

class EtcdSource final : public config::Source {
 public:
  explicit EtcdSource(EtcdTarget target) : target_(std::move(target)), view_(target_, {.key = target_.path}) {}
  std::string name() const override { return target_.url; }

  Task<Result<std::string>> next(Cancel& cancel) override {
    Context ctx(cancel);
    for (;;) {
      auto followed = co_await view_.follow(ctx);
      YUN_CHECK(cancel.check());
      if (!followed) {
        if (++failures_ == 1) co_return std::move(followed).error();
        auto slept = co_await runtime::sleep_for(cancel, backoff(failures_));
        YUN_CHECK(std::move(slept));
        continue;
      }
      const bool recovered = std::exchange(failures_, 0) > 0;
      const auto found = view_.entries().find(target_.path);
      if (found == view_.entries().end()) {
        if (!std::exchange(missing_, true)) co_return not_found(target_.url + " is not there");
        continue;
      }
      const bool appeared = std::exchange(missing_, false);
      if (!appeared && !recovered && last_ && *last_ == found->second) continue;
      last_ = found->second;
      co_return *last_;
    }
  }

 private:
  const EtcdTarget target_;
  EtcdView view_;
  int failures_ = 0;
  bool missing_ = false;
  std::optional<std::string> last_;
};

}  // namespace

Result<std::unique_ptr<config::Source>> open_etcd_source(std::string_view url) {
  YUN_GET(target, parse_etcd_url(url));
  if (target.path.empty()) return invalid_argument("etcd url: no key; write etcd://host:2379/path/of/key");
  return std::unique_ptr<config::Source>(std::make_unique<EtcdSource>(std::move(target)));
}

}  // namespace yun::discovery
