#pragma once
// PerLoop<T>: one T on each loop that asks, closed on its own loop when the owner goes or the loop ends, whichever is first.

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "yun/runtime/loop.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::runtime {

/// T has `void close()`, called once, on its loop: it lets go of sockets and timers and cancels its tasks. A T that was closed may live on
/// while an exchange still holds it. local() may be called on any loop; the PerLoop itself may go on any thread.
template <typename T>
class PerLoop {
  struct Slot {
    Loop* home;
    std::shared_ptr<T> value;
    Event closing;
    std::atomic<bool> alive{true};
    std::mutex mutex;  // keeps `home` from ending between the look at `alive` and post()
  };

 public:
  PerLoop() = default;
  PerLoop(const PerLoop&) = delete;
  PerLoop& operator=(const PerLoop&) = delete;
  ~PerLoop() {
    for (const auto& slot : slots_) {
      std::lock_guard lock(slot->mutex);
      if (!slot->alive) continue;
      if (Loop::current_or_null() == slot->home) {
        slot->value->close();
        slot->closing.set();
      } else {
        slot->home->post([slot] {
          slot->value->close();
          slot->closing.set();
        });
      }
    }
  }

  /// This loop's T, made by `make()` (-> shared_ptr<T>) the first time.
  template <typename F>
  std::shared_ptr<T> local(F make) {
    Loop& loop = Loop::current();
    std::atomic<Slot*>& fast = fast_[loop.index() % fast_.size()];
    if (Slot* slot = fast.load(std::memory_order_acquire); slot && slot->home == &loop && slot->alive.load(std::memory_order_relaxed))
      return slot->value;
    std::shared_ptr<Slot> made;
    {
      std::lock_guard lock(mutex_);
      for (const auto& slot : slots_) {
        if (slot->home == &loop && slot->alive) return slot->value;
      }
      made = std::make_shared<Slot>();
      made->home = &loop;
      made->value = make();
      slots_.push_back(made);  // kept until the owner goes, so that `fast_` never dangles; a slot of a loop that ended is empty
      fast.store(made.get(), std::memory_order_release);
    }
    loop.spawn(keep(made));
    return made->value;
  }

 private:
  static Task<void> keep(std::shared_ptr<Slot> slot) {
    auto waited = co_await slot->closing.wait(slot->home->root());
    if (!waited) slot->value->close();  // the loop ends
    std::lock_guard lock(slot->mutex);
    slot->alive = false;
    slot->value.reset();
  }

  std::mutex mutex_;
  std::vector<std::shared_ptr<Slot>> slots_;
  std::array<std::atomic<Slot*>, 64> fast_{};
};

}  // namespace yun::runtime
