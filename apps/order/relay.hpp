#pragma once
// Relay: hands the outbox's events to a subscriber, at least once and in order, and cleans up behind itself.

#include <atomic>
#include <functional>
#include <string>

#include "apps/order/orders.hpp"
#include "yun/runtime/threads.hpp"

namespace shop {

class Relay {
 public:
  /// Told some events (each an OrderEvent as JSON), oldest first, on a thread of the relay's. Once it returns ok they must be safe with it, for they are marked as delivered
  /// then and do not come again. An error stops the relay for a moment; the same events come again.
  using Subscriber = std::function<yun::Result<void>(const std::vector<Orders::Event>& events)>;

  Relay(Orders& orders, Subscriber subscriber) : orders_(orders), subscriber_(std::move(subscriber)) {}

  /// The age of the oldest event that is not known to be delivered: about the pause between two looks while all is well, and growing while the
  /// subscriber refuses or the database is away. From any thread.
  yun::Duration lag() const { return yun::now() - yun::Time(yun::Time::duration(delivered_until_.load(std::memory_order_relaxed))); }

  /// Until `ctx` ends. What is undelivered then is delivered after the next start.
  yun::Task<void> run(yun::Context& ctx);

 private:
  void delivered_until(yun::Time time) { delivered_until_.store(time.time_since_epoch().count(), std::memory_order_relaxed); }
  /// One batch; how many were delivered.
  yun::Task<yun::Result<int>> deliver(yun::Context& ctx);

  Orders& orders_;
  Subscriber subscriber_;
  /// All that was written before is delivered.
  std::atomic<yun::Time::rep> delivered_until_{yun::now().time_since_epoch().count()};
  yun::runtime::BlockingPool thread_{{.threads = 1, .max_queued = 1}};
};

}  // namespace shop
