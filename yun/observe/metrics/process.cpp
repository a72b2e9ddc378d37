#include "yun/observe/metrics/process.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "yun/observe/log/log.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::observe::metrics {
namespace {

/// Field `number` of /proc/self/stat, counted from 1 as proc(5) does; from 3 on.
double stat_field(int number) {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= number; ++i) fields >> field;
  return field.empty() ? 0 : std::strtod(field.c_str(), nullptr);
}

double cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// Ticks after boot in the kernel's book, turned into wall-clock time once.
double start_time() {
  static const double start = [] {
    std::ifstream file("/proc/stat");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("btime "))
        return std::strtod(line.c_str() + 6, nullptr) + stat_field(22) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    return 0.0;
  }();
  return start;
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_fds() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return 0;
  double count = -3;  // ".", ".." and the folder itself
  while (::readdir(folder)) ++count;
  ::closedir(folder);
  return count;
}

double max_fds() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity() : static_cast<double>(limit.rlim_cur);
}

}  // namespace

void add_process_metrics(Registry& registry) {
  const auto add = [&](std::string_view name, std::string_view help, Kind kind, double (*value)()) {
    registry.callback(name, help, kind, std::function<double()>(value)).release();
  };
  add("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", Kind::Counter, cpu_seconds);
  add("process_resident_memory_bytes", "Resident memory size in bytes.", Kind::Gauge, resident_bytes);
  add("process_virtual_memory_bytes", "Virtual memory size in bytes.", Kind::Gauge, [] { return stat_field(23); });
  add("process_open_fds", "Number of open file descriptors.", Kind::Gauge, open_fds);
  add("process_max_fds", "Maximum number of open file descriptors.", Kind::Gauge, max_fds);
  add("process_threads", "Number of OS threads in the process.", Kind::Gauge, [] { return stat_field(20); });
  add("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", Kind::Gauge, start_time);
}

void add_log_metrics(Registry& registry) {
  registry
      .callback("log_lines_total", "Log lines by level.", Kind::Counter, {"level"},
                [](const Sample& sample) {
                  for (const log::Level level : {log::Level::Debug, log::Level::Error, log::Level::Info, log::Level::Warn})
                    sample({log::name(level)}, static_cast<double>(log::count(level)));
                })
      .release();
  registry
      .callback("log_dropped_total", "Log lines lost to a full ring or a failed output.", Kind::Counter,
                [] { return static_cast<double>(log::dropped()); })
      .release();
}

std::vector<Registry::Registration> add_runtime_metrics(Registry& registry, runtime::Runtime& runtime) {
  std::vector<Registry::Registration> all;
  all.push_back(registry.callback("runtime_loops", "Event loops of the process.", Kind::Gauge, [&runtime] { return runtime.size(); }));
  all.push_back(registry.callback("runtime_loop_load", "Connections and tasks on each event loop.", Kind::Gauge, {"loop"},
                                  [&runtime](const Sample& sample) {
                                    for (unsigned i = 0; i < runtime.size(); ++i)
                                      sample({std::to_string(i)}, runtime.loop(i).load().load(std::memory_order_relaxed));
                                  }));
  return all;
}

Task<void> watch_loop(Cancel& cancel, Registry& registry) {
  constexpr Duration kEvery = std::chrono::milliseconds(200);
  runtime::Loop& loop = runtime::Loop::current();
  Counter& busy = registry.counters("runtime_loop_busy_seconds_total", "Time that an event loop worked and did not sleep.", {"loop"}).with({std::to_string(loop.index())});
  Histogram& delay = registry.histogram("runtime_loop_delay_seconds", "How late event loops run what is due.", exponential_buckets(0.0005, 4, 7));
  Duration counted{};
  for (;;) {
    const TimePoint due = Clock::now() + kEvery;
    auto slept = co_await runtime::sleep_for(cancel, kEvery);
    if (!slept) co_return;
    delay.observe(std::max(Duration::zero(), Clock::now() - due));
    busy.add(loop.busy() - counted);
    counted = loop.busy();
  }
}

}  // namespace yun::observe::metrics
