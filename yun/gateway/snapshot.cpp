#include "yun/gateway/snapshot.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "yun/observe/log/log.hpp"

namespace yun::gateway {

namespace {

using Limiters = std::unordered_map<std::string_view, std::shared_ptr<Limiter>>;

Limiters limiters_of(const Snapshot* snapshot) {
  Limiters limiters;
  for (std::size_t i = 0; snapshot && i < snapshot->limiters.size(); ++i) {
    if (snapshot->limiters[i]) limiters.emplace(snapshot->config.routes[i].name, snapshot->limiters[i]);
  }
  return limiters;
}

/// The store of the configuration, the old one if that is described the same; null if there is none.
std::shared_ptr<LimitStore> open_store(const Config& config, const Snapshot* old, observe::metrics::Registry* metrics) {
  if (!config.limit_store) return nullptr;
  if (old && old->limit_store && old->limit_store->config == *config.limit_store) return old->limit_store;
  cache::redis::Options defaults;
  defaults.name = "limits";
  defaults.metrics = metrics;
  // The configuration was checked: its URL is a good one.
  auto client = cache::redis::Client::open(config.limit_store->redis, std::move(defaults));
  if (!client) {
    observe::log::error("limits are not shared", {{"error", client.error()}});
    return nullptr;
  }
  return std::make_shared<LimitStore>(LimitStore{*config.limit_store, std::move(*client)});
}

/// The old limiter of the route of that name, if its limit is the same; else a fresh one.
std::shared_ptr<Limiter> open_limiter(const RouteConfig& route, const std::shared_ptr<LimitStore>& store, const Limiters& old) {
  if (!route.limit) return nullptr;
  const auto& wanted_store = route.limit->shared ? store : nullptr;
  const auto kept = old.find(route.name);
  if (kept != old.end() && kept->second->config == *route.limit && kept->second->store == wanted_store) return kept->second;
  auto limiter = std::make_shared<Limiter>();
  limiter->config = *route.limit;
  const resilience::LimiterOptions limit{.rate = route.limit->rate};
  if (wanted_store) {
    limiter->store = wanted_store;
    cache::redis::SharedLimiterOptions options;
    options.instances = wanted_store->config.gateways;
    options.prefix = wanted_store->client.options().prefix + "limit:" + route.name + ":";
    limiter->shared = std::make_unique<cache::redis::SharedLimiter>(wanted_store->client, limit, std::move(options));
  } else {
    limiter->buckets = std::make_unique<resilience::KeyedLimiter>(limit);
  }
  return limiter;
}

const std::string& name_of(const Upstream& upstream) { return upstream.config().name; }
const std::string& name_of(const Auth& auth) { return auth.config.name; }
bool serves(const Upstream& upstream, const UpstreamConfig& wanted) { return upstream.serves(wanted); }
bool serves(const Auth& auth, const AuthConfig& wanted) { return auth.config == wanted; }

/// What there is already for each that is wanted; null where there is nothing that serves it.
template <typename Part, typename Wanted>
std::vector<std::shared_ptr<Part>> kept(const std::vector<std::shared_ptr<Part>>& old, const std::vector<Wanted>& all_wanted) {
  std::unordered_map<std::string_view, const std::shared_ptr<Part>*> by_name;
  for (const auto& part : old) by_name.emplace(name_of(*part), &part);
  std::vector<std::shared_ptr<Part>> parts;
  for (const Wanted& wanted : all_wanted) {
    const auto found = by_name.find(wanted.name);
    const bool well = found != by_name.end() && serves(**found->second, wanted);
    parts.push_back(well ? *found->second : nullptr);
  }
  return parts;
}

std::vector<std::vector<std::string>> services_of(const Config& config) {
  std::vector<std::vector<std::string>> services(config.upstreams.size());
  for (const RouteConfig& route : config.routes) {
    if (route.grpc) services[route.upstream].push_back(route.grpc->service);
  }
  for (auto& list : services) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return services;
}

}  // namespace

std::string_view Patterns::keep(const std::string& pattern) {
  std::lock_guard lock(mutex_);
  return *all_.insert(pattern).first;
}

void Discarded::add(std::unique_ptr<Snapshot> snapshot) {
  std::lock_guard lock(mutex_);
  all_.push_back(std::move(snapshot));
}

void Discarded::free() {
  std::vector<std::unique_ptr<Snapshot>> all;
  std::lock_guard lock(mutex_);
  all.swap(all_);
}

std::shared_ptr<Snapshot> compile(Config config, const Snapshot* old, Patterns& patterns, std::shared_ptr<Discarded> discarded,
                                  observe::metrics::Registry* metrics) {
  const auto discard = [discarded = std::move(discarded)](Snapshot* done) {
    done->upstreams.clear();
    done->auth.clear();
    discarded->add(std::unique_ptr<Snapshot>(done));
  };
  std::shared_ptr<Snapshot> snapshot(new Snapshot, discard);
  snapshot->config = std::move(config);
  const RouteList& routes = snapshot->config.routes;
  const Limiters limiters = limiters_of(old);
  snapshot->limit_store = open_store(snapshot->config, old, metrics);
  snapshot->limiters.reserve(routes.size());
  snapshot->patterns.reserve(routes.size());
  for (std::size_t i = 0; i < routes.size(); ++i) {
    snapshot->limiters.push_back(open_limiter(routes[i], snapshot->limit_store, limiters));
    const bool same = old && i < old->patterns.size() && old->config.routes.shared(i) == routes.shared(i);
    snapshot->patterns.push_back(same ? old->patterns[i] : patterns.keep(routes[i].match.path.text));
  }
  static const Snapshot kNone;
  snapshot->upstreams = kept(old ? old->upstreams : kNone.upstreams, snapshot->config.upstreams);
  snapshot->auth = kept(old ? old->auth : kNone.auth, snapshot->config.auth);
  // A key set that an upstream serves begins anew with it.
  for (std::size_t i = 0; i < snapshot->auth.size(); ++i) {
    const auto at = std::ranges::find(snapshot->config.upstreams, snapshot->config.auth[i].upstream, &UpstreamConfig::name);
    if (at != snapshot->config.upstreams.end() && !snapshot->upstreams[static_cast<std::size_t>(at - snapshot->config.upstreams.begin())]) snapshot->auth[i] = nullptr;
  }
  snapshot->services = services_of(snapshot->config);
  snapshot->table = std::make_unique<Table>(routes);
  return snapshot;
}

}  // namespace yun::gateway
