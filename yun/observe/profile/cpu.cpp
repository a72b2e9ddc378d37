#include "yun/observe/profile/cpu.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <thread>

#include "yun/observe/profile/stack.hpp"

namespace yun::observe::profile {
namespace {

struct RawSample {
  std::uint32_t count;
  std::uintptr_t frames[kMostFrames];
};

// What the handler touches. The samples are mapped at the first profile and never given back: a late signal must not find them gone. Pages that no
// sample has reached take no memory, and those that one did are given back at the end.
std::atomic<bool> g_taken{false};    ///< a profiler exists
std::atomic<bool> g_sampling{false};
std::atomic<int> g_in_handler{0};
std::atomic<std::size_t> g_next{0};
RawSample* g_samples = nullptr;

void on_sigprof(int, siginfo_t*, void* ucontext) {
  const int saved = errno;
  g_in_handler.fetch_add(1);  // ordered with end(): it sees us, or we see that it is over
  if (g_sampling.load()) {
    const std::size_t index = g_next.fetch_add(1, std::memory_order_relaxed);
    if (index < CpuProfiler::kMostSamples) {
      RawSample& sample = g_samples[index];
      sample.count = static_cast<std::uint32_t>(take_interrupted_stack(sample.frames, ucontext));
    }
  }
  g_in_handler.fetch_sub(1);
  errno = saved;
}

void set_timer(int microseconds) {
  const itimerval every{{0, microseconds}, {0, microseconds}};
  (void)::setitimer(ITIMER_PROF, &every, nullptr);
}

}  // namespace

Result<CpuProfiler> CpuProfiler::start() {
  if (g_taken.exchange(true)) return resource_exhausted("a CPU profile is being taken; one at a time").with_reason("profile_running");
  prepare_stacks();
  if (!g_samples) {
    void* memory = ::mmap(nullptr, kMostSamples * sizeof(RawSample), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      g_taken = false;
      return resource_exhausted("no memory for a CPU profile");
    }
    g_samples = static_cast<RawSample*>(memory);
    // Stays: a signal that is still pending when a profile ends would kill the process.
    struct sigaction action {};
    action.sa_sigaction = &on_sigprof;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigfillset(&action.sa_mask);
    (void)::sigaction(SIGPROF, &action, nullptr);
  }
  g_next = 0;
  g_sampling = true;
  set_timer(1'000'000 / kRate);
  return CpuProfiler();
}

CpuProfiler::CpuProfiler() : start_(std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now())), began_(Clock::now()) {}

CpuProfiler::~CpuProfiler() {
  if (!running_) return;
  end();
  g_taken = false;
}

void CpuProfiler::end() {
  running_ = false;
  set_timer(0);
  g_sampling = false;
  while (g_in_handler.load() > 0) std::this_thread::yield();
}

Profile CpuProfiler::stop() {
  constexpr std::int64_t kPeriod = 1'000'000'000 / kRate;
  end();
  Profile profile{{{"samples", "count"}, {"cpu", "nanoseconds"}}, {"cpu", "nanoseconds"}, kPeriod, start_, Clock::now() - began_, {}};
  std::map<std::vector<std::uintptr_t>, std::int64_t> counts;
  const std::size_t taken = std::min(g_next.load(), kMostSamples);
  for (std::size_t i = 0; i < taken; ++i) ++counts[{g_samples[i].frames, g_samples[i].frames + g_samples[i].count}];
  for (const auto& [frames, count] : counts) profile.stacks.push_back({frames, {count, count * kPeriod}});
  (void)::madvise(g_samples, kMostSamples * sizeof(RawSample), MADV_DONTNEED);
  g_taken = false;
  return profile;
}

}  // namespace yun::observe::profile
