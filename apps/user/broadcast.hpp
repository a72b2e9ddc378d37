#pragma once
// Broadcast: every item published from any loop reaches every subscriber on its own loop. A subscriber that falls behind its buffer is
// closed rather than waited for.

#include <memory>
#include <mutex>
#include <vector>

#include "yun/runtime/wait.hpp"

namespace shop {

template <typename T>
class Broadcast {
 public:
  using Queue = yun::runtime::Channel<T>;
  explicit Broadcast(std::size_t buffer) : buffer_(buffer) {}

  /// A queue on the current loop that gets what is published from now on, until it is let go.
  std::shared_ptr<Queue> subscribe() {
    auto queue = std::make_shared<Queue>(buffer_);
    std::lock_guard lock(mutex_);
    std::erase_if(subscribers_, [](const Subscriber& s) { return s.queue.expired(); });
    subscribers_.push_back({&yun::runtime::Loop::current(), queue});
    return queue;
  }

  void publish(const T& item) {
    std::lock_guard lock(mutex_);
    for (const Subscriber& subscriber : subscribers_) {
      subscriber.loop->post([queue = subscriber.queue, item] {
        const auto open = queue.lock();
        if (open && !open->try_push(item)) open->close();
      });
    }
  }

 private:
  struct Subscriber {
    yun::runtime::Loop* loop;
    std::weak_ptr<Queue> queue;
  };
  std::size_t buffer_;
  std::mutex mutex_;
  std::vector<Subscriber> subscribers_;
};

}  // namespace shop
