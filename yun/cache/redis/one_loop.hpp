#pragma once
// OneLoop<T>: one T in the process, on the loop that happened to be the first to need it; when that loop ends, the next that needs it makes another.
// Private to the room.

#include <atomic>
#include <memory>

#include "yun/runtime/per_loop.hpp"

namespace yun::cache::redis {

/// T has `void close()`, as for PerLoop. ensure() may be called on any loop, and costs one load once there is a T.
template <typename T>
class OneLoop {
 public:
  /// Makes it with `make()` (-> shared_ptr<T>), on this loop, unless there is one.
  template <typename F>
  void ensure(F make) {
    if (taken_->load(std::memory_order_relaxed) || taken_->exchange(true)) return;
    (void)holders_.local([&] { return std::make_shared<Holder>(make(), taken_); });
  }

 private:
  struct Holder {
    Holder(std::shared_ptr<T> made, std::shared_ptr<std::atomic<bool>> flag) : value(std::move(made)), taken(std::move(flag)) {}
    void close() {
      value->close();
      taken->store(false);
    }
    std::shared_ptr<T> value;
    std::shared_ptr<std::atomic<bool>> taken;
  };
  std::shared_ptr<std::atomic<bool>> taken_ = std::make_shared<std::atomic<bool>>(false);
  runtime::PerLoop<Holder> holders_;
};

}  // namespace yun::cache::redis
