#pragma once
// Ticks: the time for what is measured or noted a million times a second, at less than half of Clock::now()'s price: the processor's counter
// where the kernel itself keeps its time by it, else the steady clock's nanoseconds.
//
//     const std::uint64_t begin = ticks::now();
//     ...
//     Duration took = ticks::since(begin);
//     Time at = ticks::wall(begin);

#include <atomic>
#include <cstdint>

#include "yun/base/units.hpp"

namespace yun::observe::ticks {

namespace detail {
enum class Source : std::uint8_t { Unknown, Counter, Steady };
extern constinit std::atomic<Source> g_source;  // set once, before the first tick is given away
std::uint64_t slow_now();
}  // namespace detail

/// Now, in a unit of its own. Comparable between threads.
inline std::uint64_t now() {
#if defined(__x86_64__)
  if (detail::g_source.load(std::memory_order_acquire) == detail::Source::Counter) [[likely]]
    return __builtin_ia32_rdtsc();
#endif
  return detail::slow_now();
}

/// From one to the other; never negative.
Duration between(std::uint64_t begin, std::uint64_t end);
inline Duration since(std::uint64_t begin) { return between(begin, now()); }

/// The wall clock then, as it stands now: to the microsecond for what is a few seconds old, the wall clock's time now for what is over a minute off.
Time wall(std::uint64_t tick);

}  // namespace yun::observe::ticks
