#include "yun/gateway/gateway.hpp"

#include <algorithm>
#include <map>

#include "yun/gateway/forward/headers.hpp"
#include "yun/gateway/forward/proxy.hpp"
#include "yun/gateway/snapshot.hpp"
#include "yun/http/client/client.hpp"
#include "yun/http/middleware/middleware.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun::gateway {

using observe::metrics::Counter;
using observe::metrics::Family;
using observe::metrics::Gauge;
using runtime::Loop;

struct Gateway::Metrics {
  Family<Counter>& refused;
  Counter& alone;
  Counter& reloads;
  Counter& faulty;
  Gauge& routes;
  explicit Metrics(observe::metrics::Registry& registry)
      : refused(registry.counters("gateway_refused_total", "Requests refused or failed, by route and reason.", {"route", "reason"})),
        alone(registry.counter("gateway_limit_alone_total", "Requests to which a shared limit was applied by this gateway's part of it, since its store was away.")),
        reloads(registry.counter("gateway_config_applied_total", "Configurations that took effect.")),
        faulty(registry.counter("gateway_config_refused_total", "New configurations that had faults; the old one stayed.")),
        routes(registry.gauge("gateway_routes", "Routes of the configuration in force.")) {}
};

Gateway::Gateway(GatewayOptions options)
    : options_(std::move(options)),
      metrics_(std::make_unique<Metrics>(*options_.metrics)),
      discarded_(std::make_shared<Discarded>()),
      patterns_(std::make_unique<Patterns>()) {}
Gateway::~Gateway() = default;

// ---- configuration ----

namespace {

Task<Result<std::string>> text_of(Context& ctx, http::Response answer, std::string from) {
  if (answer.status != 200) co_return unavailable(from + " answered " + std::to_string(answer.status));
  YUN_TRY(text, co_await answer.body.all(ctx, 256 << 10));
  co_return std::string(text);
}

Task<Result<std::string>> fetch(Context& ctx, http::Client& client, std::string url) {
  YUN_TRY(answer, co_await client.get(ctx, url));
  co_return co_await text_of(ctx, std::move(answer), std::move(url));
}

Task<Result<std::string>> fetch_from(Context& ctx, std::shared_ptr<Upstream> upstream, std::string path) {
  http::Request request;
  request.target = request.path = path;
  YUN_TRY(answer, co_await upstream->channel().send(ctx, std::move(request)));
  co_return co_await text_of(ctx, std::move(answer), upstream->config().name + path);
}

/// `upstream`: where the key set is, null if that is a URL.
std::shared_ptr<Auth> open_auth(const AuthConfig& config, std::shared_ptr<Upstream> upstream, const GatewayOptions& options) {
  auto auth = std::make_shared<Auth>();
  auth->config = config;
  http::TokenVerifier::Options verifier;
  verifier.expected = {.issuer = config.issuer, .audience = config.audience, .leeway = config.leeway};
  verifier.refresh_every = config.refresh_every;
  if (!options.state_folder.empty()) verifier.keep_in = options.state_folder + "/jwks-" + config.name + ".json";
  auto get = [client = options.client, upstream = std::move(upstream), jwks = config.jwks](Context& ctx) {
    return upstream ? fetch_from(ctx, upstream, jwks) : fetch(ctx, *client, jwks);
  };
  auth->verifier = std::make_unique<http::TokenVerifier>(std::move(verifier), std::move(get));
  return auth;
}

}  // namespace

std::shared_ptr<const Snapshot> Gateway::in_force() const {
  std::lock_guard lock(mutex_);
  return snapshot_;
}

std::shared_ptr<Snapshot> Gateway::prepare(Config config) {
  discarded_->free();
  return compile(std::move(config), in_force().get(), *patterns_, discarded_, options_.metrics);
}

void Gateway::count_refused() { metrics_->faulty.add(); }
void Gateway::free_discarded() { discarded_->free(); }

Result<void> Gateway::apply(Config config) { return apply(prepare(std::move(config))); }

Result<void> Gateway::apply(std::shared_ptr<Snapshot> fresh) {
  for (std::size_t i = 0; i < fresh->upstreams.size(); ++i) {
    if (fresh->upstreams[i]) continue;
    const UpstreamConfig& wanted = fresh->config.upstreams[i];
    auto opened = Upstream::open(wanted, *options_.client);
    if (!opened) return std::move(opened).error().with_context("upstream \"" + wanted.name + "\"");
    fresh->upstreams[i] = std::move(*opened);
  }
  for (std::size_t i = 0; i < fresh->auth.size(); ++i) {
    if (fresh->auth[i]) continue;
    const AuthConfig& wanted = fresh->config.auth[i];
    const auto at = std::ranges::find(fresh->config.upstreams, wanted.upstream, &UpstreamConfig::name);
    fresh->auth[i] = open_auth(wanted, at == fresh->config.upstreams.end() ? nullptr : fresh->upstreams[static_cast<std::size_t>(at - fresh->config.upstreams.begin())], options_);
  }

  metrics_->routes.set(static_cast<double>(fresh->config.routes.size()));
  metrics_->reloads.add();
  std::shared_ptr<const Snapshot> old = std::move(fresh);
  {
    std::lock_guard lock(mutex_);
    old.swap(snapshot_);
  }
  version_.fetch_add(1, std::memory_order_release);
  if (Loop::current_or_null()) changed_.set();
  return {};
}

std::shared_ptr<const Snapshot> Gateway::current() {
  Cached& cached = cached_[Loop::current().index() % cached_.size()];
  const std::uint64_t version = version_.load(std::memory_order_acquire);
  if (cached.version != version) {
    std::lock_guard lock(mutex_);
    cached.snapshot = snapshot_;
    cached.version = version;
    loops_[Loop::current().index() % loops_.size()] = &Loop::current();
  }
  return cached.snapshot;
}

void Gateway::forget_loops() {
  std::lock_guard lock(mutex_);
  loops_.fill(nullptr);
  version_.fetch_add(1, std::memory_order_release);  // whoever serves from now on is known again
}

void Gateway::tell_loops() {
  std::lock_guard lock(mutex_);
  for (Loop* loop : loops_) {
    if (loop) loop->post([this] { (void)current(); });
  }
}

namespace {

/// The task that keeps a part of a snapshot (an upstream, a key set) fresh.
struct Running {
  std::vector<std::string> services;  ///< that an upstream's task learns
  std::unique_ptr<Context> ctx;
};
using RunningParts = std::map<std::shared_ptr<const void>, Running>;

Task<void> run_upstream(Context& ctx, std::shared_ptr<Upstream> upstream, std::vector<std::string> services) {
  co_await upstream->run(ctx, std::move(services));
}
Task<void> run_auth(Context& ctx, std::shared_ptr<Auth> auth) { co_await auth->verifier->run(ctx); }

}  // namespace

Task<void> Gateway::run(Context& ctx) {
  runtime::Scope scope;
  RunningParts running;
  std::vector<std::unique_ptr<Context>> leaving;  // cancelled, and kept until the scope is joined
  forget_loops();
  while (!ctx.done()) {
    changed_.reset();
    if (const auto snapshot = current()) {
      RunningParts next;
      const auto keep_or_start = [&](const std::shared_ptr<const void>& part, const std::vector<std::string>& services, auto start) {
        const auto held = running.find(part);
        if (held != running.end() && held->second.services == services) {
          next.insert(running.extract(held));
          return;
        }
        const auto [fresh, is_new] = next.emplace(part, Running{services, std::make_unique<Context>(ctx)});
        if (is_new) scope.spawn(start(*fresh->second.ctx));
      };
      for (std::size_t i = 0; i < snapshot->upstreams.size(); ++i) {
        const auto& services = snapshot->services[i];
        keep_or_start(snapshot->upstreams[i], services, [&](Context& own) { return run_upstream(own, snapshot->upstreams[i], services); });
      }
      for (const auto& auth : snapshot->auth) {
        keep_or_start(auth, {}, [&](Context& own) { return run_auth(own, auth); });
      }
      for (auto& [part, gone] : running) {
        gone.ctx->cancel();
        leaving.push_back(std::move(gone.ctx));
      }
      running = std::move(next);
    }
    tell_loops();
    (void)co_await changed_.wait(ctx);  // cancelled: the condition sees it
  }
  forget_loops();
  co_await scope.join();
}

std::string Gateway::missing() const {
  const std::shared_ptr<const Snapshot> snapshot = in_force();
  if (!snapshot) return "a configuration";
  std::string all;
  const auto add = [&all](const std::string& what) { all += (all.empty() ? "" : ", ") + what; };
  for (const auto& auth : snapshot->auth) {
    if (!auth->verifier->has_keys()) add("the key set of auth \"" + auth->config.name + "\"");
  }
  for (std::size_t i = 0; i < snapshot->upstreams.size(); ++i) {
    if (!snapshot->services[i].empty() && !snapshot->upstreams[i]->has_schema()) add("the methods of upstream \"" + snapshot->upstreams[i]->config().name + "\"");
  }
  return all;
}

// ---- requests ----

namespace {

void put_limit_headers(const resilience::LimitDecision& decision, http::Response& response) {
  const auto seconds = [](Duration duration) { return std::to_string(std::chrono::ceil<std::chrono::seconds>(duration).count()); };
  response.headers.set("ratelimit-limit", std::to_string(decision.limit));
  response.headers.set("ratelimit-remaining", std::to_string(decision.remaining));
  response.headers.set("ratelimit-reset", seconds(decision.reset));
}

Error refused_by_limit(const resilience::LimitDecision& decision) {
  return resource_exhausted("too many requests").with_reason("rate_limited").with_retry_after(std::chrono::ceil<std::chrono::milliseconds>(decision.retry_after));
}

Error not_acceptable(const Table::Found& found) {
  if (found.allow.empty()) return not_found("no route leads here").with_reason("no_route");
  return Error(Code::Unimplemented, "this path does not take the method").with_http_status(405).with_reason("method_not_allowed");
}

}  // namespace

Task<void> Gateway::handle(Context& ctx, http::Request& request, http::Response& response) {
  auto snapshot = current();
  if (!snapshot) {
    http::refuse(ctx, request, response, unavailable("no configuration yet").with_reason("not_configured"));
    return {};
  }
  const auto found = snapshot->table->find(request);
  if (!found.route) {
    const Error error = not_acceptable(found);
    metrics_->refused.with({"unmatched", error.reason()}).add();
    http::refuse(ctx, request, response, error);
    if (!found.allow.empty()) response.headers.set("allow", found.allow);
    return {};
  }
  const RouteConfig& route = *found.route;
  request.route = snapshot->patterns[found.index];
  ctx.shorten(Loop::current().latest() + route.timeout);
  return answer(std::move(snapshot), found.index, ctx, request, response);
}

Task<void> Gateway::answer(std::shared_ptr<const Snapshot> snapshot, std::size_t index, Context& ctx, http::Request& request,
                           http::Response& response) {
  const RouteConfig& route = snapshot->config.routes[index];
  const auto refuse = [&](const Error& error) {
    http::refuse(ctx, request, response, error);
    metrics_->refused.with({route.name, response.reason}).add();
    if (response.status == 401) response.headers.set("www-authenticate", "Bearer");
  };

  if (route.auth) {
    auto token = http::bearer_token(request.headers.get("authorization"));
    if (!token) {
      refuse(token.error());
      co_return;
    }
    http::TokenVerifier& verifier = *snapshot->auth[*route.auth]->verifier;
    auto claims = verifier.verify_now(*token);
    if (!claims && claims.error().reason() == "token_key_unknown") claims = co_await verifier.verify(ctx, *token);
    if (!claims) {
      refuse(claims.error());
      co_return;
    }
    ctx.set_subject(claims->subject);
  }

  std::optional<resilience::LimitDecision> decision;
  if (Limiter* limiter = snapshot->limiters[index].get()) {
    const std::string key =
        limiter->config.by == LimitConfig::By::Consumer ? ctx.subject() : client_address(request, snapshot->config.trusted_proxies);
    decision = limiter->take(key, Loop::current().latest());
    if (limiter->shared && !limiter->shared->is_shared()) metrics_->alone.add();
    if (!decision->allowed) {
      refuse(refused_by_limit(*decision));
      put_limit_headers(*decision, response);
      co_return;
    }
  }

  const std::size_t limit = route.body_limit ? route.body_limit : snapshot->config.body_limit;
  const bool too_large = request.body.is_whole() && request.body.bytes().size() > limit;
  if (too_large) {
    refuse(resource_exhausted("the body is larger than " + std::to_string(limit) + " bytes").with_http_status(413).with_reason("body_too_large"));
    co_return;
  }

  const Exchange exchange{*snapshot, route, request};
  Result<void> done;
  if (route.grpc) {
    done = co_await transcode(ctx, exchange, response);
  } else {
    Forward on(ctx, exchange, response);
    auto sent = co_await on.send();
    done = on.finish(std::move(sent));
  }
  if (!done) refuse(done.error());
  if (decision) put_limit_headers(*decision, response);
}

}  // namespace yun::gateway
