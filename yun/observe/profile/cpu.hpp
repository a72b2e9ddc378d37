#pragma once
// CpuProfiler: where the process spends its CPU time, by a signal a hundredth of a second of it.
//
//     auto profiler = CpuProfiler::start();
//     if (!profiler) ..                                  // another one is running
//     ... some seconds ...
//     std::string file = profile::encode(profiler->stop());
//
// Costs nothing while none runs, some microseconds a sample while one does. All threads are seen. SIGPROF is taken from whoever had it.

#include <memory>

#include "yun/base/result.hpp"
#include "yun/observe/profile/profile.hpp"

namespace yun::observe::profile {

class CpuProfiler {
 public:
  static constexpr int kRate = 100;  ///< samples a second of CPU time
  static constexpr std::size_t kMostSamples = 65'536;  ///< of one profile; ten minutes of one core

  /// ResourceExhausted with reason profile_running: one at a time.
  static Result<CpuProfiler> start();
  CpuProfiler(CpuProfiler&& other) noexcept : running_(std::exchange(other.running_, false)), start_(other.start_), began_(other.began_) {}
  CpuProfiler& operator=(CpuProfiler&&) = delete;
  /// Stops it too.
  ~CpuProfiler();
  /// Equal stacks are one, with {samples, cpu nanoseconds}.
  Profile stop();

 private:
  CpuProfiler();
  void end();
  bool running_ = true;
  Time start_;
  TimePoint began_;
};

}  // namespace yun::observe::profile
