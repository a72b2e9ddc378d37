#include "yun/app/debug/profiles.hpp"

#include <memory>
#include <mutex>

#include "yun/base/strings.hpp"
#include "yun/http/content/encoding.hpp"
#include "yun/observe/profile/cpu.hpp"
#include "yun/observe/profile/heap.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::app::debug {
namespace {

using observe::profile::CpuProfiler;
using observe::profile::HeapProfiler;
using observe::profile::Profile;

constexpr std::uint64_t kMostSeconds = 60;

Result<std::chrono::seconds> seconds_of(const http::Request& request, std::uint64_t otherwise) {
  const auto text = request.query_param("seconds");
  const auto seconds = text ? parse_u64(*text) : otherwise;
  if (!seconds || *seconds > kMostSeconds) return invalid_argument("seconds is a whole number up to " + std::to_string(kMostSeconds)).with_violation("/query/seconds", "must be 0 to 60");
  return std::chrono::seconds(static_cast<std::int64_t>(*seconds));
}

/// Symbol tables are read from files, and there may be megabytes of them.
Result<std::string> write_out(const Profile& profile) {
  std::string packed;
  const auto gzip = http::Encoder::make(http::Coding::Gzip);
  if (!gzip->encode(observe::profile::encode(profile), http::Encoder::After::Finish, packed)) return internal_error("a profile could not be compressed");
  return packed;
}

class Profiles {
 public:
  Task<Result<http::Response>> cpu(Context& ctx, std::chrono::seconds seconds) {
    auto profiler = CpuProfiler::start();
    if (!profiler) co_return std::move(profiler).error();
    auto slept = co_await runtime::sleep_for(ctx, seconds);
    if (!slept) co_return std::move(slept).error();
    auto profile = std::make_shared<const Profile>(profiler->stop());
    auto answered = co_await answer(ctx, profile, "profile.pb.gz");
    co_return answered;
  }

  Task<Result<http::Response>> heap(Context& ctx, std::chrono::seconds seconds) {
    HeapProfiler::enable();
    if (seconds.count() > 0) {
      auto slept = co_await runtime::sleep_for(ctx, seconds);
      if (!slept) co_return std::move(slept).error();
    }
    auto profile = std::make_shared<const Profile>(HeapProfiler::profile());
    auto answered = co_await answer(ctx, profile, "heap.pb.gz");
    co_return answered;
  }

 private:
  Task<Result<http::Response>> answer(Context& ctx, std::shared_ptr<const Profile> profile, std::string_view name) {
    std::call_once(once_, [this] { pool_ = std::make_unique<runtime::BlockingPool>(runtime::BlockingPool::Options{.threads = 1, .max_queued = 4}); });
    auto work = [profile] { return write_out(*profile); };
    auto bytes = co_await pool_->run(ctx, work);
    if (!bytes) co_return std::move(bytes).error();
    http::Response response = http::Response::text(200, std::move(*bytes));
    response.headers.set("content-type", "application/octet-stream");
    response.headers.set("content-disposition", "attachment; filename=\"" + std::string(name) + "\"");
    response.headers.set("cache-control", "no-store");
    response.headers.set("x-content-type-options", "nosniff");
    co_return response;
  }

  std::once_flag once_;
  std::unique_ptr<runtime::BlockingPool> pool_;  ///< no thread before the first profile
};

json::Value index_of(const http::Request& request) {
  const std::string base = "http://" + request.authority + "/debug/pprof/";
  json::Value page = json::Value::object({{"heap_sampling", HeapProfiler::is_enabled()}, {"heap_samples_dropped", HeapProfiler::dropped()}});
  page["profiles"] = json::Value::array({
      json::Value::object({{"profile", "CPU, 100 samples a second of CPU time, for N seconds (up to 60)"}, {"command", "go tool pprof -top '" + base + "profile?seconds=10'"}}),
      json::Value::object({{"profile", "heap; the first look turns sampling on, for N seconds more if asked"}, {"command", "go tool pprof -top '" + base + "heap?seconds=10'"}}),
  });
  return page;
}

}  // namespace

void serve_profiles(Pages& pages, http::Router& router) {
  pages.add_link("/debug/pprof/", "Profiles");
  auto profiles = std::make_shared<Profiles>();
  router.get("/debug/pprof", [] { return http::Response::redirect(308, "/debug/pprof/"); });
  router.get("/debug/pprof/", [&pages](http::Request& request) {
    return respond(request, pages, "/debug/pprof/", "Profiles", "In pprof's format, with the functions' names in them.", index_of(request));
  });
  router.get("/debug/pprof/profile", [profiles](Context& ctx, http::Request& request) -> Task<Result<http::Response>> {
    auto seconds = seconds_of(request, 30);
    if (!seconds) co_return std::move(seconds).error();
    co_return co_await profiles->cpu(ctx, *seconds);
  });
  router.get("/debug/pprof/heap", [profiles](Context& ctx, http::Request& request) -> Task<Result<http::Response>> {
    auto seconds = seconds_of(request, 0);
    if (!seconds) co_return std::move(seconds).error();
    co_return co_await profiles->heap(ctx, *seconds);
  });
}

}  // namespace yun::app::debug
