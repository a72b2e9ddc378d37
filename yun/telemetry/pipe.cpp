#include "yun/telemetry/pipe.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "yun/resilience/retry.hpp"
#include "yun/telemetry/otlp_logs.hpp"
#include "yun/telemetry/otlp_metrics.hpp"

namespace yun::telemetry {

namespace {

constexpr Duration kMostAsked = std::chrono::seconds(30);  ///< a collector that asks for a longer pause is not waited for

}  // namespace

Pipe::Pipe(runtime::Loop& loop, const ExporterOptions& options, Signal signal, Batch batch)
    : loop_(loop), options_(options), signal_(signal), batch_(batch), envelope_(options.resource), queue_(batch.max_queue, options.max_queue_bytes) {}

void Pipe::offer(std::string_view record) noexcept {
  const std::size_t count = over_.load(std::memory_order_relaxed) ? 0 : queue_.push(record);
  if (count == 0) return lose(over_.load(std::memory_order_relaxed) ? Loss::Shutdown : Loss::QueueFull, 1);
  if (count < batch_.max_batch || asked_.exchange(true, std::memory_order_relaxed)) return;
  loop_.post([this] { ready_.set(); });
}

Exporter::Stats Pipe::stats() const {
  Exporter::Stats stats{.exported = exported_.load(std::memory_order_relaxed), .failures = failures_.load(std::memory_order_relaxed), .queued = queue_.size()};
  for (std::size_t i = 0; i < kLosses; ++i) stats.lost[i] = lost_[i].load(std::memory_order_relaxed);
  return stats;
}

Task<void> Pipe::run(std::unique_ptr<Transport> transport) {
  Context root(loop_.root());
  while (!closed_) {
    Context nap(root, batch_.delay);
    (void)co_await ready_.wait(nap);  // its end is as good: the oldest record has waited long enough
    ready_.reset();
    asked_.store(false, std::memory_order_relaxed);
    while (queue_.size() > 0) {
      std::string records;
      const std::size_t count = queue_.take(batch_.max_batch, records);
      if (count == 0) break;
      if (signal_ == Signal::Logs) records = encode_lines(records);
      (void)co_await deliver(*transport, envelope_.wrap(records), count);  // gives nothing
    }
  }
  over_.store(true, std::memory_order_relaxed);
}

Task<void> Pipe::report(std::unique_ptr<Transport> transport, observe::metrics::Registry& registry, Duration interval) {
  const Time begun = now();
  Context root(loop_.root());
  for (bool is_last = false; !is_last;) {
    Context nap(root, interval);
    (void)co_await ready_.wait(nap);  // either way it is time
    is_last = closed_;
    otlp::MetricsEncoder encoder(begun, now());
    registry.read(encoder);
    const std::size_t points = encoder.points();
    (void)co_await deliver(*transport, envelope_.wrap(encoder.take()), points);  // gives nothing
  }
  over_.store(true, std::memory_order_relaxed);
}

/// Here and not where they were logged: that thread has the log to write.
std::string Pipe::encode_lines(std::string_view lines) const {
  std::string records;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    otlp::append_line(records, lines.substr(0, end), options_.max_log_text);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return records;
}

Task<void> Pipe::deliver(Transport& transport, std::string message, std::size_t records) {
  const TimePoint since = Clock::now();
  const std::string prepared = transport.prepare(std::move(message));
  resilience::Backoff backoff({.max_attempts = std::numeric_limits<unsigned>::max(),
                               .base = options_.retry_base,
                               .max_pause = options_.retry_max_pause,
                               .max_retry_after = kMostAsked,
                               .retryable = &is_transient});
  for (;;) {
    if (Clock::now() >= until_) {
      lose(Loss::Shutdown, records);
      co_return;
    }
    auto sent = co_await attempt(transport, prepared);
    if (sent) {
      const std::uint64_t refused = std::min<std::uint64_t>(sent->records, records);
      exported_.fetch_add(records - refused, std::memory_order_relaxed);
      if (refused == 0) co_return;
      lose(Loss::Rejected, refused);
      complain(failed_precondition("the collector refused some: " + sent->message));
      co_return;
    }
    failures_.fetch_add(1, std::memory_order_relaxed);
    complain(sent.error());
    const TimePoint limit = std::min(until_, since + options_.retry_limit);
    const auto pause = backoff.next(sent.error(), limit - Clock::now());
    if (!pause) {
      lose(closed_ && is_transient(sent.error()) ? Loss::Shutdown : Loss::Undelivered, records);
      co_return;
    }
    Context root(loop_.root());
    Context nap(root, *pause);
    (void)co_await hurry_.wait(nap);  // at the end there is no time for long pauses, but one more try
    if (closed_) hurry_.reset();
  }
}

Task<Result<otlp::Rejected>> Pipe::attempt(Transport& transport, const std::string& prepared) {
  Context root(loop_.root());
  Context ctx(root, std::min(until_, Clock::now() + options_.target(signal_).timeout));
  auto sending = transport.send(ctx, prepared);
  co_return co_await std::move(sending);
}

void Pipe::complain(const Error& error) {
  const auto missed = complaints_.pass();
  if (!missed) return;
  const Exporter::Stats now = stats();
  observe::log::warn("telemetry is not delivered", {{"signal", name(signal_)},
                                                    {"collector", options_.target(signal_).url},
                                                    {"error", error},
                                                    {"queued", now.queued},
                                                    {"lost", std::accumulate(now.lost.begin(), now.lost.end(), std::uint64_t{0})},
                                                    {"missed_lines", *missed}});
}

void Pipe::close(TimePoint until) {
  closed_ = true;
  until_ = until;
  hurry_.set();
  ready_.set();
}

}  // namespace yun::telemetry
