#pragma once
// Queue: encoded records on their way from any thread to the one that sends them. Bounded; who adds never waits for anybody.

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace yun::telemetry {

class Queue {
 public:
  Queue(std::size_t max_records, std::size_t max_bytes) : max_records_(max_records), max_bytes_(max_bytes) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Any thread. The number of records there are now, this one included; 0 if it was full: the caller counts what is lost.
  std::size_t push(std::string_view record);
  /// One thread. Appends the oldest records, `most` at most, to `out`, and says how many.
  std::size_t take(std::size_t most, std::string& out);
  std::size_t size() const { return records_.load(std::memory_order_relaxed); }

 private:
  /// Records in one piece. A thread has its own, as far as there are enough, and goes to the next one's if it is busy.
  struct alignas(64) Shard {
    std::mutex mutex;
    std::string bytes;
    std::vector<std::uint32_t> sizes;
  };
  static constexpr std::size_t kShards = 8;
  bool refill();

  const std::size_t max_records_;
  const std::size_t max_bytes_;
  alignas(64) std::atomic<std::size_t> records_{0};
  std::atomic<std::size_t> bytes_{0};
  std::array<Shard, kShards> shards_;

  // Of take()'s thread: what was in a shard, and how far it is taken.
  std::string front_;
  std::vector<std::uint32_t> front_sizes_;
  std::size_t front_at_ = 0;
  std::size_t front_next_ = 0;
  std::size_t next_shard_ = 0;
};

}  // namespace yun::telemetry
