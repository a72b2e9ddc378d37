#include "yun/telemetry/queue.hpp"

namespace yun::telemetry {

namespace {

std::size_t this_thread() {
  static std::atomic<std::size_t> next{0};
  static thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

std::size_t Queue::push(std::string_view record) {
  const std::size_t count = records_.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::size_t bytes = bytes_.fetch_add(record.size(), std::memory_order_relaxed) + record.size();
  if (count <= max_records_ && bytes <= max_bytes_) {
    for (std::size_t i = 0; i < kShards; ++i) {
      Shard& shard = shards_[(this_thread() + i) % kShards];
      const std::unique_lock lock(shard.mutex, std::try_to_lock);
      if (!lock) continue;
      shard.bytes.append(record);
      shard.sizes.push_back(static_cast<std::uint32_t>(record.size()));
      return count;
    }
  }
  records_.fetch_sub(1, std::memory_order_relaxed);
  bytes_.fetch_sub(record.size(), std::memory_order_relaxed);
  return 0;
}

std::size_t Queue::take(std::size_t most, std::string& out) {
  std::size_t taken = 0;
  std::size_t size = 0;
  while (taken < most) {
    if (front_next_ == front_sizes_.size() && !refill()) break;
    const std::size_t one = front_sizes_[front_next_++];
    out.append(front_, front_at_, one);
    front_at_ += one;
    size += one;
    ++taken;
  }
  records_.fetch_sub(taken, std::memory_order_relaxed);
  bytes_.fetch_sub(size, std::memory_order_relaxed);
  return taken;
}

/// Swaps the next shard that has something for the one that is used up. The shard gets the memory.
bool Queue::refill() {
  front_.clear();
  front_sizes_.clear();
  front_at_ = front_next_ = 0;
  for (std::size_t i = 0; i < kShards; ++i) {
    Shard& shard = shards_[next_shard_++ % kShards];
    const std::lock_guard lock(shard.mutex);
    if (shard.sizes.empty()) continue;
    front_.swap(shard.bytes);
    front_sizes_.swap(shard.sizes);
    return true;
  }
  return false;
}

}  // namespace yun::telemetry
