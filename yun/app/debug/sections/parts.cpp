// /debug/: what runs here, since when, made of what.

#include <sys/stat.h>
#include <unistd.h>

#include "yun/app/debug/samples.hpp"
#include "yun/app/debug/sections/sections.hpp"
#include "yun/app/front.hpp"
#include "yun/app/readiness.hpp"
#include "yun/base/units.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::app::debug {
namespace {

#if defined(__OPTIMIZE__)
constexpr const char* kBuild = "optimised, g++ " __VERSION__;
#else
constexpr const char* kBuild = "not optimised, g++ " __VERSION__;
#endif

/// When the running file was written.
json::Value built_at() {
  struct stat about {};
  if (::stat("/proc/self/exe", &about) != 0) return nullptr;
  return format_time(Time(std::chrono::seconds(about.st_mtim.tv_sec)));
}

double value_of(const std::vector<MetricFamily>& families, std::string_view name) {
  const MetricFamily* family = find_family(families, name);
  return family && !family->series.empty() ? family->series.front().value : 0;
}

json::Value loops_of(runtime::Runtime& runtime) {
  json::Value loops = json::Array{};
  for (unsigned i = 0; i < runtime.size(); ++i) {
    const int load = runtime.loop(i).load().load(std::memory_order_relaxed);
    loops.push_back(json::Value::object({{"loop", i}, {"connections_and_tasks", load}}));
  }
  return loops;
}

}  // namespace

json::Value describe_parts(const Program& program) {
  const auto families = read_samples(program.metrics);
  const Time started{std::chrono::milliseconds(static_cast<std::int64_t>(value_of(families, "process_start_time_seconds") * 1000))};
  const Time now = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  json::Value page = json::Value::object({
      {"program", program.name},
      {"version", YUN_VERSION},
      {"build", kBuild},
      {"built", built_at()},
      {"process", ::getpid()},
      {"started", format_time(started)},
      {"uptime_seconds", std::chrono::duration<double>(now - started).count()},
      {"readiness", program.front.is_ready() ? "ready" : "not ready"},
      {"log_level", observe::log::name(observe::log::level())},
      {"resident_mib", value_of(families, "process_resident_memory_bytes") / 1048576},
      {"cpu_seconds", value_of(families, "process_cpu_seconds_total")},
      {"open_files", value_of(families, "process_open_fds")},
      {"threads", value_of(families, "process_threads")},
  });
  json::Value& parts = page["parts"];
  parts = json::Array{};
  for (const Part& part : program.parts) parts.push_back(json::Value::object({{"part", part.kind}, {"url", part.url}}));
  page["loops"] = loops_of(program.runtime);
  json::Value& checks = page["readiness_checks"];
  checks = json::Array{};
  for (const Readiness::Check& check : program.readiness.checks())
    checks.push_back(json::Value::object({{"check", check.name}, {"state", check.missing.empty() ? "ok" : "missing"}, {"missing", check.missing}}));
  return page;
}

}  // namespace yun::app::debug
