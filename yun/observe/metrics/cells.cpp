#include "yun/observe/metrics/cells.hpp"

#include <mutex>
#include <new>

namespace yun::observe::metrics {
namespace {

constexpr std::align_val_t kCacheLine{64};

}  // namespace

/// Which slots are taken. Never destroyed: threads may end after main() has.
struct Cells::Slots {
  std::mutex mutex;
  std::array<bool, kSlots - 1> taken{};

  static Slots& all() {
    static Slots& instance = *new Slots;
    return instance;
  }

  /// Gives this thread's slot back at its end.
  struct Guard {
    ~Guard() {
      const unsigned slot = t_slot;
      t_slot = kSlots - 1;  // for what is still counted after this
      if (slot >= kSlots - 1) return;
      Slots& slots = all();
      std::lock_guard lock(slots.mutex);
      slots.taken[slot] = false;
    }
  };
};

void Cells::take_slot() {
  Slots& slots = Slots::all();
  {
    std::lock_guard lock(slots.mutex);
    t_slot = kSlots - 1;
    for (unsigned i = 0; i < kSlots - 1; ++i) {
      if (slots.taken[i]) continue;
      slots.taken[i] = true;
      t_slot = i;
      break;
    }
  }
  static thread_local Slots::Guard guard;
  (void)guard;
}

Cells::~Cells() {
  for (auto& row : rows_) {
    auto* numbers = row.load(std::memory_order_acquire);
    if (numbers) ::operator delete(numbers, kCacheLine);
  }
}

std::atomic<std::uint64_t>* Cells::make_row(unsigned slot) {
  const std::size_t size = (width_ * sizeof(std::atomic<std::uint64_t>) + 63) / 64 * 64;
  auto* row = static_cast<std::atomic<std::uint64_t>*>(::operator new(size, kCacheLine));
  for (std::size_t i = 0; i < width_; ++i) new (row + i) std::atomic<std::uint64_t>(0);
  std::atomic<std::uint64_t>* expected = nullptr;
  if (rows_[slot].compare_exchange_strong(expected, row, std::memory_order_acq_rel)) return row;
  ::operator delete(row, kCacheLine);  // another thread of the shared slot was first
  return expected;
}

std::int64_t Cells::total(std::size_t index) const {
  std::uint64_t total = 0;
  for (const auto& row : rows_)
    if (const auto* numbers = row.load(std::memory_order_acquire)) total += numbers[index].load(std::memory_order_relaxed);
  return static_cast<std::int64_t>(total);
}

double Cells::sum(std::size_t index) const {
  double total = 0;
  for (const auto& row : rows_)
    if (const auto* numbers = row.load(std::memory_order_acquire)) total += std::bit_cast<double>(numbers[index].load(std::memory_order_relaxed));
  return total;
}

}  // namespace yun::observe::metrics
