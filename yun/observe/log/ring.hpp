#pragma once
// Ring: records from one thread to another without a lock. Each lies in one piece and begins with its own size (32 bits, a multiple of 8).

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace yun::observe::log {

class Ring {
 public:
  /// Rounded up to a power of two. A record may be at most half of it.
  explicit Ring(std::size_t size) : size_(std::bit_ceil(size < 1024 ? std::size_t{1024} : size)), bytes_(new char[size_]) {}

  /// By the producer: room for a record of `size` bytes, or null. It is seen after commit().
  char* reserve(std::size_t size) {
    const std::size_t end = end_.load(std::memory_order_relaxed);
    const std::size_t held = end - begin_.load(std::memory_order_acquire);
    std::size_t front = front_.load(std::memory_order_relaxed);
    std::size_t at = (end - front) & (size_ - 1);
    if (held == 0 && at >= kAgain) [[unlikely]] {
      // What is empty begins again at its front: memory is touched for what has once waited, not for all that has ever passed. The consumer learns of it
      // with the record; while it reads the ring is not empty, and this stays as it is.
      front_.store(front = end, std::memory_order_relaxed);
      at = 0;
    }
    const std::size_t skipped = size_ - at < size ? size_ - at : 0;
    if (size_ - held < skipped + size) [[unlikely]]
      return nullptr;
    if (skipped > 0) [[unlikely]] {
      std::memset(bytes_.get() + at, 0, sizeof(std::uint32_t));  // no record has this size: the next one is at the front
      at = 0;
    }
    reserved_ = end + skipped + size;
    return bytes_.get() + at;
  }
  void commit() { end_.store(reserved_, std::memory_order_release); }
  bool half_full() const { return end_.load(std::memory_order_relaxed) - begin_.load(std::memory_order_relaxed) > size_ / 2; }

  /// By the consumer, who reads from begin() to end() by take(), gives back the room and says what has been written.
  std::size_t begin() const { return begin_.load(std::memory_order_relaxed); }
  std::size_t end() const { return end_.load(std::memory_order_acquire); }
  /// The record at `at`, which moves behind it. There is one if `at` was not end().
  std::string_view take(std::size_t& at) const {
    const std::size_t front = front_.load(std::memory_order_relaxed);
    std::uint32_t size = size_at(at - front);
    if (size == 0) {
      at = ((at - front) | (size_ - 1)) + 1 + front;
      size = size_at(at - front);
    }
    const std::string_view record(bytes_.get() + ((at - front) & (size_ - 1)), size);
    at += size;
    return record;
  }
  void give_back(std::size_t up_to) { begin_.store(up_to, std::memory_order_release); }
  void set_written(std::size_t up_to) { written_.store(up_to, std::memory_order_release); }

  /// By anyone: all up to here is where it goes.
  std::size_t written() const { return written_.load(std::memory_order_acquire); }

  /// Lines by level; only the producer adds.
  std::atomic<std::uint64_t> counts[4] = {};
  /// The producer's thread has ended.
  std::atomic<bool> orphaned{false};
  /// The consumer's: microseconds of the last line, which none that follows may be a little before.
  std::int64_t last_time = 0;

 private:
  static constexpr std::size_t kAgain = 16 << 10;
  std::uint32_t size_at(std::size_t at) const {
    std::uint32_t size;
    std::memcpy(&size, bytes_.get() + (at & (size_ - 1)), sizeof size);
    return size;
  }

  const std::size_t size_;
  const std::unique_ptr<char[]> bytes_;
  alignas(64) std::atomic<std::size_t> end_{0};
  std::atomic<std::size_t> front_{0};  ///< the position that lies at the first byte
  std::size_t reserved_ = 0;  ///< the producer's: end_ after commit()
  alignas(64) std::atomic<std::size_t> begin_{0};
  std::atomic<std::size_t> written_{0};
};

}  // namespace yun::observe::log
