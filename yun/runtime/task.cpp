#include "yun/runtime/task.hpp"

#include <array>
#include <new>

#include "yun/base/sanitizers.hpp"

namespace yun::runtime {

namespace {
constexpr bool kPooled = !kSanitized;
constexpr std::size_t kStep = 128;
constexpr std::size_t kClasses = 32;      // frames up to 4 KiB are pooled
constexpr std::size_t kKeepPerClass = 256;

struct Node {
  Node* next;
};

struct Pool {
  std::array<Node*, kClasses> free{};
  std::array<std::size_t, kClasses> count{};
  FrameStats stats;
  ~Pool() {
    for (Node* node : free) {
      while (node) ::operator delete(std::exchange(node, node->next));
    }
    free = {};
    count.fill(kKeepPerClass);  // frames freed later in this thread's end go straight to the system
  }
};
thread_local Pool pool;
}  // namespace

FrameStats frame_stats() { return pool.stats; }

namespace detail {

void* allocate_frame(std::size_t size) {
  ++pool.stats.made;
  const std::size_t index = (size + kStep - 1) / kStep;
  if (kPooled && index < kClasses) {
    if (Node* node = pool.free[index]) {
      pool.free[index] = node->next;
      --pool.count[index];
      return node;
    }
    ++pool.stats.mapped;
    return ::operator new(index * kStep);
  }
  ++pool.stats.mapped;
  return ::operator new(size);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size + kStep - 1) / kStep;
  if (kPooled && index < kClasses && pool.count[index] < kKeepPerClass) {
    pool.free[index] = new (frame) Node{pool.free[index]};
    ++pool.count[index];
    return;
  }
  ::operator delete(frame);
}

}  // namespace detail
}  // namespace yun::runtime
