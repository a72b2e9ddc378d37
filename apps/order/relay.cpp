#include "apps/order/relay.hpp"

#include "yun/runtime/wait.hpp"

namespace shop {

using namespace std::chrono_literals;
using yun::Result;
using yun::Task;

namespace {
constexpr int kBatch = 100;
constexpr auto kPause = 100ms;
constexpr auto kPauseAfterFailure = 1s;
constexpr auto kPurgeEvery = std::chrono::minutes(5);
}  // namespace

Task<Result<int>> Relay::deliver(yun::Context& ctx) {
  const yun::Time looked = yun::now();
  YUN_TRY(events, co_await orders_.unsent(ctx, kBatch));
  if (events.empty()) {
    delivered_until(looked);
    co_return 0;
  }
  std::vector<std::int64_t> sent;
  for (const Orders::Event& event : events) sent.push_back(event.id);
  const int delivered = static_cast<int>(sent.size());
  // More may be there than a batch holds: the last of it is then the latest of which it is known.
  const yun::Time until = delivered == kBatch ? events.back().created_at : looked;
  auto hand_on = [this, events = std::move(events)] { return subscriber_(events); };
  YUN_CHECK(co_await thread_.run(ctx, std::move(hand_on)));
  // Marked after delivery: a crash in between delivers again, never not at all.
  YUN_CHECK(co_await orders_.mark_sent(ctx, std::move(sent)));
  delivered_until(until);
  co_return delivered;
}

Task<void> Relay::run(yun::Context& ctx) {
  yun::TimePoint purge_at = yun::Clock::now();
  while (!ctx.done()) {
    auto delivered = co_await deliver(ctx);
    if (yun::Clock::now() >= purge_at) {
      (void)co_await orders_.purge(ctx);  // what could not be purged now is purged next time
      purge_at = yun::Clock::now() + kPurgeEvery;
    }
    if (delivered && *delivered == kBatch) continue;
    const yun::Duration pause = delivered ? yun::Duration(kPause) : yun::Duration(kPauseAfterFailure);
    (void)co_await yun::runtime::sleep_for(ctx, pause);  // cancelled: the loop's condition sees it
  }
}

}  // namespace shop
