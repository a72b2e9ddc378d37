#pragma once
// Cells: numbers that many threads add to without sharing a cache line, summed when they are read.
//
// Each thread has a slot, and in each Cells a row of its own for it; only it adds there, so an addition is a load, an add and a store.
// When a thread ends, the next new one takes over its slot with what is in it. Threads beyond kSlots - 1 share the last one and add atomically.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace yun::observe::metrics {

class Cells {
 public:
  static constexpr unsigned kSlots = 32;

  /// `width`: numbers a row.
  explicit Cells(std::size_t width) : width_(width) {}
  ~Cells();
  Cells(const Cells&) = delete;
  Cells& operator=(const Cells&) = delete;

  /// A number is either counted in whole steps or added to, all its life. Counting is the cheaper: no floating point addition to wait for.
  void count(std::size_t index, std::uint64_t by) {
    const unsigned slot = my_slot();
    std::atomic<std::uint64_t>& cell = row_of(slot)[index];
    if (slot == kSlots - 1) [[unlikely]]
      cell.fetch_add(by, std::memory_order_relaxed);
    else
      cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void add(std::size_t index, double value) {
    const unsigned slot = my_slot();
    std::atomic<std::uint64_t>& cell = row_of(slot)[index];
    std::uint64_t bits = cell.load(std::memory_order_relaxed);
    const auto next = [&] { return std::bit_cast<std::uint64_t>(std::bit_cast<double>(bits) + value); };
    if (slot == kSlots - 1) [[unlikely]]
      while (!cell.compare_exchange_weak(bits, next(), std::memory_order_relaxed)) {}
    else
      cell.store(next(), std::memory_order_relaxed);
  }

  /// Of what was counted; steps down are steps up that wrap.
  std::int64_t total(std::size_t index) const;
  /// Of what was added.
  double sum(std::size_t index) const;

 private:
  static constexpr unsigned kNone = ~0u;
  static unsigned my_slot() {
    if (t_slot == kNone) [[unlikely]]
      take_slot();
    return t_slot;
  }
  static void take_slot();
  std::atomic<std::uint64_t>* row_of(unsigned slot) {
    std::atomic<std::uint64_t>* row = rows_[slot].load(std::memory_order_acquire);
    if (!row) [[unlikely]]
      row = make_row(slot);
    return row;
  }
  std::atomic<std::uint64_t>* make_row(unsigned slot);

  struct Slots;
  static inline constinit thread_local unsigned t_slot = kNone;
  std::size_t width_;
  std::array<std::atomic<std::atomic<std::uint64_t>*>, kSlots> rows_{};
};

}  // namespace yun::observe::metrics
