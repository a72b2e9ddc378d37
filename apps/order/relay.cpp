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
  YUN_TRY(events, co_await orders_.unsent(ctx, kBatch));
  std::vector<std::int64_t> sent;
  for (const Orders::Event& event : events) {
    if (!subscriber_(event.payload)) break;
    sent.push_back(event.id);
  }
  const int delivered = static_cast<int>(sent.size());
  // Marked after delivery: a crash in between delivers again, never not at all.
  if (delivered > 0) YUN_CHECK(co_await orders_.mark_sent(ctx, std::move(sent)));
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
