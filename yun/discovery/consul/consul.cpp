#include "yun/discovery/consul/consul.hpp"

#include "yun/base/strings.hpp"
#include "yun/discovery/backoff.hpp"
#include "yun/discovery/consul/api.hpp"
#include "yun/discovery/kept_registry.hpp"
#include "yun/discovery/key_source.hpp"
#include "yun/discovery/known.hpp"
#include "yun/json/value.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

namespace {

using balance::Endpoint;
using balance::EndpointSet;
using namespace std::chrono_literals;

constexpr Duration kWait = 55s;      // of a blocking query: below what proxies take for a dead connection
constexpr Duration kAtLeast = 50ms;  // between two queries: a service that flaps does not keep a core busy
constexpr Duration kFresh = 1s;      // so old an answer may be for resolve()

const std::string& text_or(const json::Value& value, const std::string& otherwise) {
  const std::string* text = value.as_string();
  return text && !text->empty() ? *text : otherwise;
}

/// One entry of /v1/health/service; nullopt without a usable address.
std::optional<Endpoint> endpoint_of(const json::Value& entry, const std::string& service) {
  static const std::string kNone;
  const json::Value& self = entry["Service"];
  const std::string& host = text_or(self["Address"], text_or(entry["Node"]["Address"], kNone));
  const auto port = self["Port"].as_int().value_or(0);
  const bool v6 = host.find(':') != std::string::npos;
  auto address = runtime::Address::parse((v6 ? "[" + host + "]" : host) + ":" + std::to_string(port));
  if (!address || port <= 0) return std::nullopt;
  Endpoint endpoint;
  endpoint.address = *address;
  endpoint.authority = service;
  if (const auto weight = self["Weights"]["Passing"].as_int(); weight && *weight > 0) endpoint.weight = static_cast<unsigned>(std::min<std::int64_t>(*weight, 65535));
  if (const json::Object* meta = self["Meta"].as_object()) {
    for (const json::Member& member : *meta) {
      if (const std::string* text = member.value.as_string()) endpoint.labels[member.name] = *text;
    }
  }
  return endpoint;
}

Result<std::vector<Endpoint>> endpoints_of(const std::string& body, const std::string& service) {
  YUN_GET(document, json::parse(body));
  const json::Array* entries = document.as_array();
  if (!entries) return unavailable("consul gives no list of instances").with_reason("registry_refused");
  std::vector<Endpoint> endpoints;
  for (const json::Value& entry : *entries) {
    if (auto endpoint = endpoint_of(entry, service)) endpoints.push_back(std::move(*endpoint));
  }
  return endpoints;
}

// ---- finding ----

class ConsulResolver final : public balance::Resolver {
 public:
  explicit ConsulResolver(ConsulTarget target)
      : target_(std::move(target)), api_(target_), known_({.name = target_.url, .guard = target_.guard, .keep_in = target_.keep_in}) {}

  Task<Result<EndpointSet>> resolve(Context& ctx) override {
    if (!waiting_ && Clock::now() - asked_ >= kFresh) {
      auto asked = co_await ask(ctx, 0, 1s);
      if (!asked && known_.set().revision == 0) co_return std::move(asked).error().with_reason("no_endpoints");
    }
    co_return known_.set();
  }

  Task<Result<EndpointSet>> next(Context& ctx, std::uint64_t revision) override {
    const Waiting here(waiting_);
    while (known_.set().revision == revision || known_.set().revision == 0) {
      const TimePoint begun = Clock::now();
      const Duration guarded = known_.guarded_until() == TimePoint::max() ? kWait : std::clamp<Duration>(known_.guarded_until() - begun, 1s, kWait);
      auto asked = co_await ask(ctx, index_, std::min(kWait, guarded));
      YUN_CHECK(ctx.check());
      failures_ = asked ? 0 : failures_ + 1;
      const TimePoint again = asked ? begun + kAtLeast : Clock::now() + backoff(failures_);
      if (failures_ == 1) observe::log::warn(ctx, "the registry is away; the last known endpoints are used", {{"resolver", target_.url}, {"error", asked.error()}});
      wanted_.reset();
      Context pause(ctx, again);
      (void)co_await wanted_.wait(pause);  // told to hurry, or the time is over: both mean ask again
      YUN_CHECK(ctx.check());
    }
    co_return known_.set();
  }

  /// Cuts a pause after a failure short; a blocking query needs no hint.
  void refresh() override { wanted_.set(); }
  std::string_view name() const override { return target_.url; }

 private:
  struct Waiting {
    explicit Waiting(bool& flag) : flag_(flag) { flag_ = true; }
    ~Waiting() { flag_ = false; }
    bool& flag_;
  };

  Task<Result<void>> ask(Context& ctx, std::uint64_t index, Duration wait) {
    std::string path = "/v1/health/service/" + percent_encode(target_.path) + "?passing=1";
    for (const std::string& tag : target_.tags) path += "&tag=" + percent_encode(tag);
    YUN_TRY(answer, co_await api_.read(ctx, std::move(path), index, wait));
    YUN_TRY(found, endpoints_of(answer.body, target_.path));
    index_ = next_index(index, answer.index);
    asked_ = Clock::now();
    (void)known_.learn(std::move(found), asked_);  // the revision tells
    co_return Result<void>();
  }

  const ConsulTarget target_;
  ConsulApi api_;
  Known known_;
  std::uint64_t index_ = 0;
  TimePoint asked_;
  int failures_ = 0;
  bool waiting_ = false;
  runtime::Event wanted_;
};

// ---- registering ----

class ConsulRegistry final : public KeptRegistry {
 public:
  explicit ConsulRegistry(ConsulTarget target) : KeptRegistry(target.url), target_(std::move(target)), api_(target_) {}

  Task<Result<void>> register_self(Context& ctx, Instance instance) override {
    YUN_CHECK(check_reachable(instance));
    (void)co_await stop();  // gives nothing
    instance_ = std::move(instance);
    auto done = co_await tell(ctx);
    keep(done.ok());
    co_return done;
  }

  Task<Result<void>> deregister(Context& ctx) override {
    if (!is_kept()) co_return Result<void>();
    (void)co_await stop();  // gives nothing
    co_return co_await api_.put(ctx, "/v1/agent/service/deregister/" + percent_encode(instance_.id), "");
  }

 private:
  std::string check() const {
    const std::string address = json::to_json(instance_.address.to_string());
    const std::string drop = ",\"DeregisterCriticalServiceAfter\":" + json::to_json(format_duration(std::max<Duration>(target_.critical_for, 1min)));
    const std::string interval = ",\"Interval\":" + json::to_json(format_duration(target_.interval)) + ",\"Timeout\":\"3s\"";
    switch (target_.check) {
      case ConsulTarget::Check::Http: return "{\"HTTP\":" + json::to_json("http://" + instance_.address.to_string() + "/health") + interval + drop + "}";
      case ConsulTarget::Check::Grpc: return "{\"GRPC\":" + address + interval + drop + "}";
      default: return "{\"TTL\":" + json::to_json(format_duration(target_.ttl)) + ",\"Status\":\"passing\"" + drop + "}";
    }
  }

  Task<Result<void>> tell(Context& ctx) override {
    std::string body = "{\"ID\":" + json::to_json(instance_.id) + ",\"Name\":" + json::to_json(instance_.service) + ",\"Address\":" + json::to_json(instance_.address.host());
    body += ",\"Port\":" + std::to_string(instance_.address.port()) + ",\"Tags\":" + json::to_json(target_.tags) + ",\"Meta\":" + json::to_json(instance_.labels);
    body += ",\"Weights\":{\"Passing\":" + std::to_string(std::max(1U, instance_.weight)) + ",\"Warning\":1},\"Check\":" + check() + "}";
    return api_.put(ctx, "/v1/agent/service/register?replace-existing-checks=true", std::move(body));
  }

  Duration pause(int failures) const override {
    if (failures > 0) return std::min(backoff(failures), target_.ttl / 3);
    return target_.check == ConsulTarget::Check::Ttl ? target_.ttl / 3 : target_.interval;
  }

  Task<Result<void>> say_alive(Context& ctx, bool) override {
    if (target_.check == ConsulTarget::Check::Ttl) {
      auto passed = co_await api_.put(ctx, "/v1/agent/check/pass/service:" + percent_encode(instance_.id), "");
      // Consul before 1.11 says 500 for a check it does not know.
      if (!passed && passed.error().message().find("Unknown check") != std::string::npos) co_return not_found(passed.error().message());
      co_return passed;
    }
    YUN_TRY(answer, co_await api_.read(ctx, "/v1/agent/service/" + percent_encode(instance_.id), 0, 1s));
    if (answer.status == 404) co_return not_found("the agent does not know this instance");
    co_return Result<void>();
  }

  const ConsulTarget target_;
  ConsulApi api_;
};

// ---- keys ----

class ConsulSource final : public KeySource {
 public:
  explicit ConsulSource(ConsulTarget target) : KeySource(target.url), target_(std::move(target)), api_(target_) {}

 private:
  Task<Result<std::optional<std::string>>> read(Context& ctx) override {
    YUN_TRY(answer, co_await api_.read(ctx, "/v1/kv/" + target_.path + "?raw", index_, kWait));
    index_ = next_index(index_, answer.index);
    std::optional<std::string> text;
    if (answer.status != 404) text = std::move(answer.body);
    co_return text;
  }

  const ConsulTarget target_;
  ConsulApi api_;
  std::uint64_t index_ = 0;
};

}  // namespace

Result<std::unique_ptr<balance::Resolver>> open_consul_resolver(std::string_view url) {
  YUN_GET(target, parse_consul_url(url));
  if (target.path.empty()) return invalid_argument("consul url: no service; write consul://host:8500/service");
  return std::unique_ptr<balance::Resolver>(std::make_unique<ConsulResolver>(std::move(target)));
}

Result<std::unique_ptr<Registry>> open_consul_registry(std::string_view url) {
  YUN_GET(target, parse_consul_url(url));
  return std::unique_ptr<Registry>(std::make_unique<ConsulRegistry>(std::move(target)));
}

Result<std::unique_ptr<config::Source>> open_consul_source(std::string_view url) {
  YUN_GET(target, parse_consul_url(url));
  if (target.path.empty()) return invalid_argument("consul url: no key; write consul://host:8500/path/of/key");
  return std::unique_ptr<config::Source>(std::make_unique<ConsulSource>(std::move(target)));
}

}  // namespace yun::discovery
