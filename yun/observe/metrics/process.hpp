#pragma once
// What every program shows about itself.

#include "yun/observe/metrics/registry.hpp"
#include "yun/runtime/cancel.hpp"
#include "yun/runtime/task.hpp"

namespace yun::runtime {
class Runtime;
}

namespace yun::observe::metrics {

/// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds, process_max_fds,
/// process_threads, process_start_time_seconds; from /proc/self, when they are read.
void add_process_metrics(Registry& registry);

/// log_lines_total{level} and log_dropped_total.
void add_log_metrics(Registry& registry);

/// runtime_loops and runtime_loop_load{loop}: connections and tasks of each loop. Keep what is returned no longer than `runtime`.
[[nodiscard]] std::vector<Registry::Registration> add_runtime_metrics(Registry& registry, runtime::Runtime& runtime);

/// runtime_loop_busy_seconds_total{loop} and runtime_loop_delay_seconds: how much of its time the current loop works, and how late it runs what is due; sampled
/// five times a second until `cancel` ends. The registry must outlive the task.
Task<void> watch_loop(Cancel& cancel, Registry& registry);

}  // namespace yun::observe::metrics
