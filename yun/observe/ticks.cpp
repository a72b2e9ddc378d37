#include "yun/observe/ticks.hpp"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>

namespace yun::observe::ticks {
namespace {

constexpr double kLongest = 100e6;  // nanoseconds that an anchor is good for: the wall clock may be set at any time
constexpr double kMinute = 60e9;

std::int64_t read(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return at.tv_sec * std::int64_t{1'000'000'000} + at.tv_nsec;
}

/// Whether the kernel trusts the processor's counter: constant, the same on all cores.
bool kernel_uses_counter() {
#if defined(__x86_64__)
  char name[16] = {};
  std::FILE* file = std::fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
  if (!file) return false;
  const bool read_it = std::fgets(name, sizeof name, file) != nullptr;
  std::fclose(file);
  return read_it && std::strcmp(name, "tsc\n") == 0;
#else
  return false;
#endif
}

/// A tick and what two clocks said at that moment.
struct Moment {
  std::uint64_t tick = 0;
  std::int64_t steady = 0;
  std::int64_t wall = 0;

  /// The best of a few tries: a thread may be put aside between two reads.
  static Moment here() {
    Moment best;
    std::uint64_t narrowest = UINT64_MAX;
    for (int i = 0; i < 3; ++i) {
      Moment moment;
      const std::uint64_t before = now();
      moment.steady = read(CLOCK_MONOTONIC);
      moment.wall = read(CLOCK_REALTIME);
      const std::uint64_t width = now() - before;
      moment.tick = before + width / 2;
      if (width < narrowest) best = moment;
      narrowest = std::min(narrowest, width);
    }
    return best;
  }
};

constinit Moment g_origin;  // set with g_source

/// What this thread reckons with. The rate comes from all the time since the origin, so it only gets better.
struct Anchor {
  Moment moment;
  std::uint64_t until = 0;
  double rate = 1;  ///< nanoseconds a tick

  void renew() {
    moment = Moment::here();
    const double ticks = static_cast<double>(moment.tick - g_origin.tick);
    const double nanoseconds = static_cast<double>(moment.steady - g_origin.steady);
    if (ticks > 0 && nanoseconds > 0) rate = nanoseconds / ticks;
    until = moment.tick + static_cast<std::uint64_t>(std::min(ticks / 4, kLongest / rate));
  }
};
constinit thread_local Anchor t_anchor;

const Anchor& anchor_for(std::uint64_t tick) {
  if (tick >= t_anchor.until) [[unlikely]]
    t_anchor.renew();
  return t_anchor;
}

}  // namespace

namespace detail {

constinit std::atomic<Source> g_source{Source::Unknown};

std::uint64_t slow_now() {
  static std::once_flag once;
  std::call_once(once, [] {
    const bool counter = kernel_uses_counter();
#if defined(__x86_64__)
    if (counter) g_origin.tick = __builtin_ia32_rdtsc();
#endif
    g_origin.steady = read(CLOCK_MONOTONIC);
    if (!counter) g_origin.tick = static_cast<std::uint64_t>(g_origin.steady);
    g_source.store(counter ? Source::Counter : Source::Steady, std::memory_order_release);
  });
#if defined(__x86_64__)
  if (g_source.load(std::memory_order_acquire) == Source::Counter) return __builtin_ia32_rdtsc();
#endif
  return static_cast<std::uint64_t>(read(CLOCK_MONOTONIC));
}

}  // namespace detail

Duration between(std::uint64_t begin, std::uint64_t end) {
  if (end <= begin) return Duration::zero();
  return Duration(static_cast<std::int64_t>(static_cast<double>(end - begin) * anchor_for(end).rate));
}

Time wall(std::uint64_t tick) {
  const Anchor& anchor = anchor_for(tick);
  double away = static_cast<double>(static_cast<std::int64_t>(tick - anchor.moment.tick)) * anchor.rate;
  if (away > kMinute || away < -kMinute) away = 0;
  const std::int64_t nanoseconds = anchor.moment.wall + static_cast<std::int64_t>(away);
  return Time(std::chrono::floor<std::chrono::microseconds>(std::chrono::nanoseconds(nanoseconds)));
}

}  // namespace yun::observe::ticks
