#include "yun/cache/redis/notices.hpp"

#include "yun/observe/log/log.hpp"

namespace yun::cache::redis {

namespace {

std::string_view result_of(const Error* error) {
  if (!error) return "ok";
  if (error->reason() == "redis_timeout") return "timeout";
  if (error->reason() == "redis_queue_full") return "queue_full";
  if (error->reason() == "redis_unavailable") return "unavailable";
  if (error->code() == Code::Cancelled || error->code() == Code::DeadlineExceeded) return "given_up";
  return "error";
}

}  // namespace

Notices::Notices(const Options& options) : where_(options.where()), name_(options.name) {
  if (!options.metrics) return;
  metrics::Registry& registry = *options.metrics;
  calls_ = &registry.counters("redis_calls_total", "Commands, by what came of them.", {"client", "result"});
  seconds_ = &registry.histograms("redis_call_duration_seconds", "How long commands took, those that were refused at once included.", {"client"}).with({name_});
  connections_ = &registry.up_down_counters("redis_connections", "Connections that are up.", {"client"}).with({name_});
  auto& connects = registry.counters("redis_connects_total", "Connections made, and tries or connections that failed.", {"client", "result"});
  connected_ = &connects.with({name_, "ok"});
  lost_ = &connects.with({name_, "failed"});
}

void Notices::up() {
  if (connections_) {
    connections_->add();
    connected_->add();
  }
  if (told_.exchange(false)) observe::log::info("redis is back", {{"client", name_}, {"address", where_}});
}

void Notices::down() {
  if (connections_) connections_->sub();
}

void Notices::away(const Error& why) {
  if (lost_) lost_->add();
  const std::int64_t now = Clock::now().time_since_epoch().count();
  std::int64_t next = next_line_.load();
  if (now < next || !next_line_.compare_exchange_strong(next, now + kPause.count())) return;
  told_.store(true);
  observe::log::warn("redis is away, going on without it", {{"client", name_}, {"address", where_}, {"error", why}});
}

void Notices::call(const Error* error, Duration took, const observe::trace::SpanContext& trace) {
  if (!calls_) return;
  calls_->with({name_, result_of(error)}).add();
  seconds_->observe(took, trace);
}

}  // namespace yun::cache::redis
