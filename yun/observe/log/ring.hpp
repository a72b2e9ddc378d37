#pragma once
// Ring: bytes from one thread to another without a lock. The writer of lines publishes whole lines only.

#include <algorithm>
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
  /// Rounded up to a power of two.
  explicit Ring(std::size_t size) : size_(std::bit_ceil(size < 1024 ? std::size_t{1024} : size)), bytes_(new char[size_]) {}

  /// By the producer. False, and nothing is written, if there is no room.
  bool push(std::string_view line) {
    const std::size_t end = end_.load(std::memory_order_relaxed);
    if (size_ - (end - begin_seen_) < line.size()) {
      begin_seen_ = begin_.load(std::memory_order_acquire);
      if (size_ - (end - begin_seen_) < line.size()) return false;
    }
    const std::size_t at = end & (size_ - 1);
    const std::size_t first = std::min(line.size(), size_ - at);
    std::memcpy(bytes_.get() + at, line.data(), first);
    std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
    end_.store(end + line.size(), std::memory_order_seq_cst);  // before the look at whether the writer sleeps
    return true;
  }

  /// By the consumer: what is there, in one or two parts; stays valid until pop().
  struct Parts {
    std::string_view first, second;
    std::size_t size() const { return first.size() + second.size(); }
  };
  Parts peek() const {
    const std::size_t begin = begin_.load(std::memory_order_relaxed);
    const std::size_t held = end_.load(std::memory_order_seq_cst) - begin;
    const std::size_t at = begin & (size_ - 1);
    const std::size_t first = std::min(held, size_ - at);
    return {{bytes_.get() + at, first}, {bytes_.get(), held - first}};
  }
  void pop(std::size_t size) { begin_.store(begin_.load(std::memory_order_relaxed) + size, std::memory_order_release); }

  /// Bytes ever pushed and popped, for those who wait.
  std::size_t pushed() const { return end_.load(std::memory_order_acquire); }
  std::size_t popped() const { return begin_.load(std::memory_order_acquire); }

  /// Lines by level; only the producer adds.
  std::atomic<std::uint64_t> counts[4] = {};
  /// The producer's thread has ended.
  std::atomic<bool> orphaned{false};

 private:
  const std::size_t size_;
  const std::unique_ptr<char[]> bytes_;
  alignas(64) std::atomic<std::size_t> end_{0};
  std::size_t begin_seen_ = 0;  ///< the producer's last look at begin_
  alignas(64) std::atomic<std::size_t> begin_{0};
};

}  // namespace yun::observe::log
