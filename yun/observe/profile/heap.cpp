#include "yun/observe/profile/heap.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#include "yun/base/sanitizers.hpp"
#include "yun/observe/profile/stack.hpp"

namespace yun::observe::profile {
namespace {

constexpr std::uint32_t kHeads = 1 << 16;

struct Site {
  std::uint64_t hash;
  std::uint32_t count;  ///< of frames
  double allocated_objects, allocated_bytes, live_objects, live_bytes;
  std::uintptr_t frames[kMostFrames];
};
struct Live {
  const void* pointer;
  std::size_t size;
  std::uint32_t site;
  std::uint32_t next;  ///< index + 1; 0 = the last
};

/// All in one mapping that is made once: pages that nothing has touched take no memory. No member is guarded by anything but `lock`, except `heads`, which
/// free() reads without: who frees a pointer got it from the thread that made it, and so sees its entry.
struct Tables {
  std::atomic<std::uint32_t> heads[kHeads];  ///< of lists of Live by pointer; index + 1
  Live live[HeapProfiler::kMostLive];
  std::uint32_t live_used, live_free;  ///< the free ones are a list too
  Site sites[HeapProfiler::kMostSites];
  std::uint32_t site_at[HeapProfiler::kMostSites * 2];  ///< open addressing; index + 1
  std::uint32_t sites_used;
};

std::atomic<bool> g_on{false};
std::atomic<std::uint64_t> g_dropped{0};
std::atomic_flag g_lock;
Tables* g_tables = nullptr;
Time g_began;

struct ThreadState {
  std::int64_t until;    ///< bytes until the next sample
  std::uint64_t random;  ///< 0 = not begun
  bool busy;             ///< within a sample
};
constinit thread_local ThreadState t_state{};

class Locked {
 public:
  Locked() {
    while (g_lock.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  ~Locked() { g_lock.clear(std::memory_order_release); }
};

std::uint32_t head_of(const void* pointer) { return static_cast<std::uint32_t>((reinterpret_cast<std::uintptr_t>(pointer) >> 4) * 0x9e3779b97f4a7c15 >> 48); }

/// How many allocations of its size a sampled one stands for.
double weight_of(std::size_t size) { return 1 / -std::expm1(-static_cast<double>(std::max<std::size_t>(size, 1)) / HeapProfiler::kInterval); }

/// The gaps of a Poisson process: exponential.
std::int64_t next_gap(std::uint64_t& random) {
  random ^= random << 13, random ^= random >> 7, random ^= random << 17;
  const double share = (static_cast<double>(random >> 11) + 1) / 9007199254740993.0;
  return static_cast<std::int64_t>(-std::log(share) * HeapProfiler::kInterval) + 1;
}

/// Its index, or kMostSites if the table is full.
std::uint32_t site_of(const std::uintptr_t* frames, std::uint32_t count) {
  std::uint64_t hash = count;
  for (std::uint32_t i = 0; i < count; ++i) hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15;
  constexpr std::uint32_t kSlots = HeapProfiler::kMostSites * 2;
  for (std::uint32_t slot = static_cast<std::uint32_t>(hash >> 40) % kSlots;; slot = (slot + 1) % kSlots) {
    const std::uint32_t at = g_tables->site_at[slot];
    if (at == 0) {
      if (g_tables->sites_used == HeapProfiler::kMostSites) return HeapProfiler::kMostSites;
      Site& site = g_tables->sites[g_tables->sites_used];
      site.hash = hash;
      site.count = count;
      std::memcpy(site.frames, frames, count * sizeof *frames);
      g_tables->site_at[slot] = ++g_tables->sites_used;
      return g_tables->sites_used - 1;
    }
    const Site& site = g_tables->sites[at - 1];
    if (site.hash == hash && site.count == count && std::memcmp(site.frames, frames, count * sizeof *frames) == 0) return at - 1;
  }
}

void remember(const void* pointer, std::size_t size, const std::uintptr_t* frames, std::uint32_t count) {
  const Locked locked;
  const std::uint32_t site_index = site_of(frames, count);
  const bool full = g_tables->live_free == 0 && g_tables->live_used == HeapProfiler::kMostLive;
  if (site_index == HeapProfiler::kMostSites || full) {
    g_dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  std::uint32_t index = g_tables->live_free;
  if (index != 0) g_tables->live_free = g_tables->live[index - 1].next;
  else index = ++g_tables->live_used;
  std::atomic<std::uint32_t>& head = g_tables->heads[head_of(pointer)];
  g_tables->live[index - 1] = {pointer, size, site_index, head.load(std::memory_order_relaxed)};
  head.store(index, std::memory_order_relaxed);
  Site& site = g_tables->sites[site_index];
  const double weight = weight_of(size);
  site.allocated_objects += weight;
  site.live_objects += weight;
  site.allocated_bytes += weight * static_cast<double>(size);
  site.live_bytes += weight * static_cast<double>(size);
}

[[maybe_unused, gnu::noinline]] void forget(const void* pointer) {
  const Locked locked;
  std::atomic<std::uint32_t>& head = g_tables->heads[head_of(pointer)];
  std::uint32_t before = 0;
  for (std::uint32_t index = head.load(std::memory_order_relaxed); index != 0; before = index, index = g_tables->live[index - 1].next) {
    Live& live = g_tables->live[index - 1];
    if (live.pointer != pointer) continue;
    if (before == 0) head.store(live.next, std::memory_order_relaxed);
    else g_tables->live[before - 1].next = live.next;
    Site& site = g_tables->sites[live.site];
    const double weight = weight_of(live.size);
    site.live_objects -= weight;
    site.live_bytes -= weight * static_cast<double>(live.size);
    live = {nullptr, 0, 0, g_tables->live_free};
    g_tables->live_free = index;
    return;
  }
}

[[maybe_unused, gnu::noinline]] void sample(const void* pointer, std::size_t size) {
  ThreadState& state = t_state;
  if (state.busy) return;
  const bool begins = state.random == 0;
  if (begins) state.random = (reinterpret_cast<std::uintptr_t>(&state) ^ static_cast<std::uint64_t>(Clock::now().time_since_epoch().count())) | 1;
  state.until = next_gap(state.random);
  if (begins || !pointer) return;
  state.busy = true;
  std::uintptr_t frames[kMostFrames];
  const std::size_t count = take_stack(frames);
  const std::size_t own = std::min<std::size_t>(2, count);  // sample() and operator new
  remember(pointer, size, frames + own, static_cast<std::uint32_t>(count - own));
  state.busy = false;
}

}  // namespace

void HeapProfiler::enable() {
  if (kSanitized) return;
  prepare_stacks();
  const Locked locked;
  if (g_on.load()) return;
  void* memory = ::mmap(nullptr, sizeof(Tables), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return;
  g_tables = static_cast<Tables*>(memory);
  g_began = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  g_on.store(true);
}

bool HeapProfiler::is_enabled() { return g_on.load(); }
std::uint64_t HeapProfiler::dropped() { return g_dropped.load(); }

Profile HeapProfiler::profile() {
  Profile profile{{{"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"}, {"inuse_space", "bytes"}}, {"space", "bytes"}, kInterval, {}, {}, {}};
  profile.default_type = "inuse_space";
  if (!g_on.load()) return profile;
  profile.start = g_began;
  profile.duration = std::chrono::system_clock::now() - g_began;
  std::uint32_t used = 0;
  {
    const Locked locked;
    used = g_tables->sites_used;
  }
  for (std::uint32_t i = 0; i < used; ++i) {
    // What is written of a site once is its stack; its counts are read under the lock, which must not be held where memory is allocated.
    const Site& site = g_tables->sites[i];
    double counts[4];
    {
      const Locked locked;
      counts[0] = site.allocated_objects, counts[1] = site.allocated_bytes, counts[2] = site.live_objects, counts[3] = site.live_bytes;
    }
    Stack stack{{site.frames, site.frames + site.count}, {}};
    for (const double count : counts) stack.values.push_back(std::llround(count));
    profile.stacks.push_back(std::move(stack));
  }
  return profile;
}

}  // namespace yun::observe::profile

#if !defined(YUN_ADDRESS_SANITIZER) && !defined(YUN_THREAD_SANITIZER)

// The forms with an alignment stay the library's own; those of arrays and nothrow come here through it. Weak: a program's own hooks (a test that counts) win.

[[gnu::weak]] void* operator new(std::size_t size) {
  namespace profile = yun::observe::profile;
  void* pointer = std::malloc(size == 0 ? 1 : size);
  while (!pointer) [[unlikely]] {
    const std::new_handler handler = std::get_new_handler();
    if (!handler) throw std::bad_alloc();
    handler();
    pointer = std::malloc(size == 0 ? 1 : size);
  }
  if (profile::g_on.load(std::memory_order_acquire)) [[unlikely]] {
    profile::t_state.until -= static_cast<std::int64_t>(size);
    if (profile::t_state.until < 0) profile::sample(pointer, size);
  }
  return pointer;
}

[[gnu::weak]] void operator delete(void* pointer) noexcept {
  namespace profile = yun::observe::profile;
  if (profile::g_on.load(std::memory_order_acquire)) [[unlikely]] {
    if (pointer && profile::g_tables->heads[profile::head_of(pointer)].load(std::memory_order_relaxed) != 0) profile::forget(pointer);
  }
  std::free(pointer);
}

[[gnu::weak]] void operator delete(void* pointer, std::size_t) noexcept { operator delete(pointer); }

#endif
