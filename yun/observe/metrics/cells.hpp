#pragma once
// Cells: numbers that many threads add to without sharing a cache line, summed when they are read.
//
// Each thread has a slot, and in each Cells a row of its own for it; only it adds there, so an addition is a load, an add and a store.
// When a thread ends, the next new one takes over its slot with what is in it. Threads beyond kSlots - 1 share the last one and add atomically.

#include <array>
#include <atomic>
#include <cstddef>

namespace yun::observe::metrics {

class Cells {
 public:
  static constexpr unsigned kSlots = 32;

  /// `width`: numbers a row.
  explicit Cells(std::size_t width) : width_(width) {}
  ~Cells();
  Cells(const Cells&) = delete;
  Cells& operator=(const Cells&) = delete;

  void add(std::size_t index, double value) {
    const unsigned slot = my_slot();
    std::atomic<double>* row = rows_[slot].load(std::memory_order_acquire);
    if (!row) row = make_row(slot);
    std::atomic<double>& cell = row[index];
    if (slot == kSlots - 1)
      cell.fetch_add(value, std::memory_order_relaxed);
    else
      cell.store(cell.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }

  double sum(std::size_t index) const;

 private:
  static constexpr unsigned kNone = ~0u;
  static unsigned my_slot() {
    if (t_slot == kNone) [[unlikely]]
      take_slot();
    return t_slot;
  }
  static void take_slot();
  std::atomic<double>* make_row(unsigned slot);

  struct Slots;
  static inline constinit thread_local unsigned t_slot = kNone;
  std::size_t width_;
  std::array<std::atomic<std::atomic<double>*>, kSlots> rows_{};
};

}  // namespace yun::observe::metrics
