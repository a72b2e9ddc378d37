#include "yun/discovery/etcd/view.hpp"
#include "yun/discovery/key_source.hpp"

namespace yun::discovery {

namespace {

class EtcdSource final : public KeySource {
 public:
  explicit EtcdSource(EtcdTarget target) : KeySource(target.url), target_(std::move(target)), view_(target_, {.key = target_.path}) {}

 private:
  Task<Result<std::optional<std::string>>> read(Context& ctx) override {
    YUN_CHECK(co_await view_.follow(ctx));
    const auto found = view_.entries().find(target_.path);
    std::optional<std::string> text;
    if (found != view_.entries().end()) text = found->second;
    co_return text;
  }

  const EtcdTarget target_;
  EtcdView view_;
};

}  // namespace

Result<std::unique_ptr<config::Source>> open_etcd_source(std::string_view url) {
  YUN_GET(target, parse_etcd_url(url));
  if (target.path.empty()) return invalid_argument("etcd url: no key; write etcd://host:2379/path/of/key");
  return std::unique_ptr<config::Source>(std::make_unique<EtcdSource>(std::move(target)));
}

}  // namespace yun::discovery
