#include "yun/discovery/nacos/nacos.hpp"

#include <cmath>
#include <optional>

#include "yun/discovery/backoff.hpp"
#include "yun/discovery/kept_registry.hpp"
#include "yun/discovery/key_source.hpp"
#include "yun/discovery/known.hpp"
#include "yun/discovery/nacos/api.hpp"
#include "yun/json/value.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

namespace {

using balance::Endpoint;
using balance::EndpointSet;
using namespace std::chrono_literals;

constexpr int kTellEach = 6;         // beats
constexpr Duration kListen = 30s;    // what Nacos's own clients ask for
constexpr Duration kAtLeast = 50ms;  // between two readings of a configuration

/// One of the list's hosts; nullopt for one that takes no calls.
std::optional<Endpoint> endpoint_of(const json::Value& host, const std::string& service) {
  const std::string* ip = host["ip"].as_string();
  const auto port = host["port"].as_int().value_or(0);
  const double weight = host["weight"].as_double().value_or(1);
  if (!ip || port <= 0 || weight <= 0 || !host["healthy"].as_bool().value_or(true) || !host["enabled"].as_bool().value_or(true)) return std::nullopt;
  const bool v6 = ip->find(':') != std::string::npos;
  auto address = runtime::Address::parse((v6 ? "[" + *ip + "]" : *ip) + ":" + std::to_string(port));
  if (!address) return std::nullopt;
  Endpoint endpoint;
  endpoint.address = *address;
  endpoint.authority = service;
  endpoint.weight = static_cast<unsigned>(std::clamp(std::round(weight), 1.0, 10000.0));
  if (const json::Object* meta = host["metadata"].as_object()) {
    for (const json::Member& member : *meta) {
      const std::string* text = member.value.as_string();
      if (text && !member.name.starts_with("preserved.")) endpoint.labels[member.name] = *text;  // those are the server's
    }
  }
  return endpoint;
}

// ---- finding ----

class NacosResolver final : public balance::Resolver {
 public:
  explicit NacosResolver(NacosTarget target)
      : target_(std::move(target)), api_(target_), known_({.name = target_.url, .guard = target_.guard, .keep_in = target_.keep_in}) {}

  Task<Result<EndpointSet>> resolve(Context& ctx) override {
    if (!waiting_ && Clock::now() - asked_ >= target_.interval) {
      auto asked = co_await ask(ctx);
      if (!asked && known_.set().revision == 0) co_return std::move(asked).error().with_reason("no_endpoints");
    }
    co_return known_.set();
  }

  Task<Result<EndpointSet>> next(Context& ctx, std::uint64_t revision) override {
    const Waiting here(waiting_);
    while (known_.set().revision == revision || known_.set().revision == 0) {
      auto asked = co_await ask(ctx);
      YUN_CHECK(ctx.check());
      failures_ = asked ? 0 : failures_ + 1;
      if (failures_ == 1) observe::log::warn(ctx, "the registry is away; the last known endpoints are used", {{"resolver", target_.url}, {"error", asked.error()}});
      if (asked && known_.set().revision != revision) break;
      wanted_.reset();
      Context pause(ctx, asked ? target_.interval : backoff(failures_));
      (void)co_await wanted_.wait(pause);  // told to hurry, or the time is over: both mean ask again
      YUN_CHECK(ctx.check());
      if (Clock::now() - asked_ < kAtLeast) YUN_CHECK(co_await runtime::sleep_for(ctx, kAtLeast));
    }
    co_return known_.set();
  }

  void refresh() override { wanted_.set(); }
  std::string_view name() const override { return target_.url; }

 private:
  struct Waiting {
    explicit Waiting(bool& flag) : flag_(flag) { flag_ = true; }
    ~Waiting() { flag_ = false; }
    bool& flag_;
  };

  Task<Result<void>> ask(Context& ctx) {
    NacosApi::Parameters query{{"serviceName", target_.path}, {"groupName", target_.group}, {"healthyOnly", "true"}};
    if (!target_.name_space.empty()) query.push_back({"namespaceId", target_.name_space});
    if (!target_.cluster.empty()) query.push_back({"clusters", target_.cluster});
    YUN_TRY(answer, co_await api_.call(ctx, http::Method::Get, "/ns/instance/list", std::move(query)));
    std::vector<Endpoint> found;
    if (answer.status == 200) {
      YUN_TRY(document, json::parse(answer.body));
      const json::Array* hosts = document["hosts"].as_array();
      if (!hosts) co_return unavailable("nacos gives no list of instances").with_reason("registry_refused");
      for (const json::Value& host : *hosts) {
        if (auto endpoint = endpoint_of(host, target_.path)) found.push_back(std::move(*endpoint));
      }
    }
    asked_ = Clock::now();
    (void)known_.learn(std::move(found), asked_);  // the revision tells
    co_return Result<void>();
  }

  const NacosTarget target_;
  NacosApi api_;
  Known known_;
  TimePoint asked_;
  int failures_ = 0;
  bool waiting_ = false;
  runtime::Event wanted_;
};

// ---- registering ----

/// What a heartbeat says; the server makes an instance of it that it has forgotten.
struct Beat {
  std::string ip;
  unsigned port = 0;
  std::string serviceName, cluster;
  unsigned weight = 1;
  std::map<std::string, std::string> metadata;
  bool scheduled = true;
};

class NacosRegistry final : public KeptRegistry {
 public:
  explicit NacosRegistry(NacosTarget target) : KeptRegistry(target.url), target_(std::move(target)), api_(target_) {}

  Task<Result<void>> register_self(Context& ctx, Instance instance) override {
    YUN_CHECK(check_reachable(instance));
    const bool elsewhere = is_kept() && (instance.address != instance_.address || instance.service != instance_.service);
    if (elsewhere) {
      (void)co_await deregister(ctx);  // what it was before; it is forgotten by itself if that fails
    } else {
      (void)co_await stop();  // gives nothing
    }
    instance_ = std::move(instance);
    auto done = co_await tell(ctx);
    beats_ = 0;
    keep(done.ok());
    co_return done;
  }

  Task<Result<void>> deregister(Context& ctx) override {
    if (!is_kept()) co_return Result<void>();
    (void)co_await stop();  // gives nothing
    YUN_CHECK(co_await api_.call(ctx, http::Method::Delete, "/ns/instance", who()));
    co_return Result<void>();
  }

 private:
  std::string cluster() const { return target_.cluster.empty() ? "DEFAULT" : target_.cluster; }

  NacosApi::Parameters who() const {
    NacosApi::Parameters query{{"serviceName", instance_.service}, {"groupName", target_.group}, {"clusterName", cluster()}, {"ip", instance_.address.host()},
                               {"port", std::to_string(instance_.address.port())}, {"ephemeral", "true"}};
    if (!target_.name_space.empty()) query.push_back({"namespaceId", target_.name_space});
    return query;
  }

  std::map<std::string, std::string> metadata() const {
    const auto milliseconds = [&](int beats) { return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(target_.beat).count() * beats); };
    std::map<std::string, std::string> all = instance_.labels;
    all["preserved.heart.beat.interval"] = milliseconds(1);
    all["preserved.heart.beat.timeout"] = milliseconds(3);
    all["preserved.ip.delete.timeout"] = milliseconds(6);
    return all;
  }

  Task<Result<void>> tell(Context& ctx) override {
    NacosApi::Parameters query = who();
    query.push_back({"weight", std::to_string(std::max(1U, instance_.weight))});
    query.push_back({"metadata", json::to_json(metadata())});
    query.push_back({"enabled", "true"});
    query.push_back({"healthy", "true"});
    YUN_TRY(answer, co_await api_.call(ctx, http::Method::Post, "/ns/instance", std::move(query)));
    if (answer.status != 200) co_return unavailable("nacos at " + target_.url + " knows no instances").with_reason("registry_refused");
    co_return Result<void>();
  }

  Task<Result<void>> beat(Context& ctx) {
    const Beat beat{.ip = instance_.address.host(), .port = instance_.address.port(), .serviceName = target_.group + "@@" + instance_.service, .cluster = cluster(),
                    .weight = std::max(1U, instance_.weight), .metadata = metadata()};
    NacosApi::Parameters query = who();
    query.push_back({"beat", json::to_json(beat)});
    YUN_TRY(answer, co_await api_.call(ctx, http::Method::Put, "/ns/instance/beat", std::move(query)));
    auto document = json::parse(answer.body);
    constexpr int kForgotten = 20404;
    if (answer.status == 404 || (document && (*document)["code"].as_int() == kForgotten)) co_return not_found("the server does not know this instance");
    co_return Result<void>();
  }

  Duration pause(int failures) const override { return failures > 0 ? std::min(backoff(failures), target_.beat) : target_.beat; }

  /// What a server makes of a beat for an instance that it has forgotten may lack its weight: all is told again after it was away, and now and then.
  Task<Result<void>> say_alive(Context& ctx, bool was_away) override {
    if (was_away || ++beats_ % kTellEach == 0) co_return not_found("to be told");
    co_return co_await beat(ctx);
  }

  const NacosTarget target_;
  NacosApi api_;
  int beats_ = 0;
};

// ---- configuration ----

class NacosSource final : public KeySource {
 public:
  explicit NacosSource(NacosTarget target) : KeySource(target.url), target_(std::move(target)), api_(target_) {}

 private:
  /// After the first time it waits for a change, or until the long poll is over.
  Task<Result<std::optional<std::string>>> read(Context& ctx) override {
    if (std::exchange(began_, false)) {
      YUN_TRY(differs, co_await api_.listen(ctx, known_ ? &*known_ : nullptr, kListen));
      began_ = !differs;
      if (!differs) co_return known_;
      YUN_CHECK(co_await runtime::sleep_for(ctx, kAtLeast));
    }
    NacosApi::Parameters query{{"dataId", target_.path}, {"group", target_.group}};
    if (!target_.name_space.empty()) query.push_back({"tenant", target_.name_space});
    YUN_TRY(answer, co_await api_.call(ctx, http::Method::Get, "/cs/configs", std::move(query)));
    began_ = true;
    known_.reset();
    if (answer.status == 200) known_ = std::move(answer.body);
    co_return known_;
  }

  const NacosTarget target_;
  NacosApi api_;
  bool began_ = false;  ///< the last read went well
  std::optional<std::string> known_;
};

}  // namespace

Result<std::unique_ptr<balance::Resolver>> open_nacos_resolver(std::string_view url) {
  YUN_GET(target, parse_nacos_url(url));
  if (target.path.empty()) return invalid_argument("nacos url: no service; write nacos://host:8848/service");
  return std::unique_ptr<balance::Resolver>(std::make_unique<NacosResolver>(std::move(target)));
}

Result<std::unique_ptr<Registry>> open_nacos_registry(std::string_view url) {
  YUN_GET(target, parse_nacos_url(url));
  return std::unique_ptr<Registry>(std::make_unique<NacosRegistry>(std::move(target)));
}

Result<std::unique_ptr<config::Source>> open_nacos_source(std::string_view url) {
  YUN_GET(target, parse_nacos_url(url));
  if (target.path.empty()) return invalid_argument("nacos url: no configuration; write nacos://host:8848/name");
  return std::unique_ptr<config::Source>(std::make_unique<NacosSource>(std::move(target)));
}

}  // namespace yun::discovery
