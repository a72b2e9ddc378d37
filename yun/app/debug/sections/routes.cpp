// /debug/routes: what comes in, by route, and how it goes: from the histograms, between two looks.

#include <map>
#include <mutex>

#include "yun/app/debug/samples.hpp"
#include "yun/app/debug/sections/sections.hpp"
#include "yun/http/router/router.hpp"

namespace yun::app::debug {
namespace {

using namespace std::chrono_literals;

struct Traffic {
  double failed = 0;  ///< answered 5xx, or with a gRPC status that is the server's fault
  Buckets durations;
};
using Key = std::pair<std::string, std::string>;  ///< method and path, service and method

struct Look {
  TimePoint at{};
  std::map<Key, Traffic> http, grpc;
};

bool is_servers_fault(std::string_view grpc_code) {
  for (const std::string_view code : {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
    if (grpc_code == code) return true;
  return false;
}

struct Names {
  std::string_view durations, requests, first, second, outcome;
};
constexpr Names kHttp{"http_request_duration_seconds", "http_requests_total", "method", "path", "status"};
constexpr Names kGrpc{"rpc_server_duration_seconds", "rpc_server_requests_total", "service", "method", "code"};

std::map<Key, Traffic> traffic_of(const std::vector<MetricFamily>& families, const Names& names) {
  std::map<Key, Traffic> all;
  const auto at = [&](const Series& series) -> Traffic& { return all[{std::string(series.label(names.first)), std::string(series.label(names.second))}]; };
  if (const MetricFamily* family = find_family(families, names.durations))
    for (const Series& series : family->series) at(series).durations = series.buckets;
  if (const MetricFamily* family = find_family(families, names.requests)) {
    for (const Series& series : family->series) {
      const std::string_view outcome = series.label(names.outcome);
      if (names.outcome == "status" ? outcome.starts_with('5') : is_servers_fault(outcome)) at(series).failed += series.value;
    }
  }
  return all;
}

json::Value rows_of(const std::map<Key, Traffic>& now, const std::map<Key, Traffic>& before, double seconds, const Names& names) {
  json::Value rows = json::Array{};
  for (const auto& [key, traffic] : now) {
    const auto found = before.find(key);
    const Traffic then = found == before.end() ? Traffic{} : found->second;
    const Buckets recent = traffic.durations.since(then.durations);
    rows.push_back(json::Value::object({
        {std::string(names.first), key.first},
        {std::string(names.second), key.second},
        {"requests", traffic.durations.count},
        {"failed", traffic.failed},
        {"per_second", recent.count / seconds},
        {"failed_per_second", (traffic.failed - then.failed) / seconds},
        {"p50_seconds", recent.quantile(0.5)},
        {"p99_seconds", recent.quantile(0.99)},
    }));
  }
  return rows;
}

/// The last two looks: one may be too young to have a rate against.
class Looks {
 public:
  explicit Looks(const Program& program) : program_(program), earlier_{Clock::now(), {}, {}}, last_(earlier_) {}

  json::Value look() {
    const auto families = read_samples(program_.metrics);
    Look now{Clock::now(), traffic_of(families, kHttp), traffic_of(families, kGrpc)};
    // Routes that nobody has asked for yet are there too.
    for (const http::Route* route : program_.router.routes()) (void)now.http[{std::string(http::name(route->method)), std::string(route->pattern)}];
    std::lock_guard lock(mutex_);
    const bool due = now.at - last_.at >= 1s;
    const Look& before = due ? last_ : earlier_;
    const double seconds = std::max(std::chrono::duration<double>(now.at - before.at).count(), 1e-3);
    json::Value page = json::Value::object({{"rates_over_seconds", seconds}});
    page["http"] = rows_of(now.http, before.http, seconds, kHttp);
    if (!now.grpc.empty()) page["grpc"] = rows_of(now.grpc, before.grpc, seconds, kGrpc);
    if (due) earlier_ = std::exchange(last_, std::move(now));
    return page;
  }

 private:
  const Program& program_;
  std::mutex mutex_;
  Look earlier_, last_;
};

}  // namespace

std::function<json::Value()> routes_with_rates(const Program& program) {
  return [looks = std::make_shared<Looks>(program)] { return looks->look(); };
}

}  // namespace yun::app::debug
