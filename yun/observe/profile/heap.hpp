#pragma once
// HeapProfiler: who holds memory: allocations by operator new, about one each 512 KiB (so each byte with the same chance), with their stacks.
//
//     HeapProfiler::enable();                                  // from now on, until the process ends
//     std::string file = profile::encode(HeapProfiler::profile());
//
// Off, an allocation costs a load and a branch more; on, a subtraction, and a free a look into a table of 256 KiB. Seen is what C++ code allocates after
// enable(): not what C libraries get from malloc, not coroutine frames that come from a loop's free list. Bounded: kMostLive allocations and kMostSites stacks;
// what is beyond is counted in dropped(). Under a sanitizer there are no hooks and no samples.

#include <cstdint>

#include "yun/observe/profile/profile.hpp"

namespace yun::observe::profile {

class HeapProfiler {
 public:
  static constexpr std::int64_t kInterval = 512 << 10;  ///< bytes between two samples, on average
  static constexpr std::uint32_t kMostLive = 32'768;
  static constexpr std::uint32_t kMostSites = 8'192;

  static void enable();
  static bool is_enabled();
  /// {alloc_objects, alloc_space, inuse_objects, inuse_space}, each sample scaled to what it stands for. Empty while it is off.
  static Profile profile();
  /// Samples that found no room.
  static std::uint64_t dropped();
};

}  // namespace yun::observe::profile
