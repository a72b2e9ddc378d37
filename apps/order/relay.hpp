#pragma once
// Relay: hands the outbox's events to a subscriber, at least once and in order, and cleans up behind itself.

#include <functional>
#include <string>

#include "apps/order/orders.hpp"

namespace shop {

class Relay {
 public:
  /// Told each event (an OrderEvent as JSON). An error stops the relay for a moment; the same event comes again.
  using Subscriber = std::function<yun::Result<void>(const std::string& payload)>;

  Relay(Orders& orders, Subscriber subscriber) : orders_(orders), subscriber_(std::move(subscriber)) {}

  /// Until `ctx` ends. What is undelivered then is delivered after the next start.
  yun::Task<void> run(yun::Context& ctx);

 private:
  /// One batch; how many were delivered.
  yun::Task<yun::Result<int>> deliver(yun::Context& ctx);

  Orders& orders_;
  Subscriber subscriber_;
};

}  // namespace shop
