#pragma once
// Pipe: one signal's way out: a queue that any thread fills, and the task on the exporter's loop that empties it. Not for users.

#include <atomic>
#include <memory>

#include "yun/observe/log/log.hpp"
#include "yun/runtime/loop.hpp"
#include "yun/runtime/wait.hpp"
#include "yun/telemetry/exporter.hpp"
#include "yun/telemetry/queue.hpp"
#include "yun/telemetry/transport.hpp"

namespace yun::telemetry {

class Pipe {
 public:
  /// `loop` is where run() will run; it outlives the pipe, as do the options.
  Pipe(runtime::Loop& loop, const ExporterOptions& options, Signal signal, Batch batch);

  /// Any thread; an encoded span, or a line of the log with its '\n'. Dropped and counted if there is no room or the pipe is closed.
  void offer(std::string_view record) noexcept;
  /// Any thread. Records that never became one: counted.
  void lose(Loss loss, std::uint64_t records) noexcept { lost_[static_cast<std::size_t>(loss)].fetch_add(records, std::memory_order_relaxed); }
  Exporter::Stats stats() const;

  // On the loop.

  /// Until close(), and then until all is out or `until` has come.
  Task<void> run(std::unique_ptr<Transport> transport);
  /// Instead of run(): what `registry` says, each `interval` and at the end.
  Task<void> report(std::unique_ptr<Transport> transport, observe::metrics::Registry& registry, Duration interval);
  void close(TimePoint until);

 private:
  /// One request with `records` records, however often it must be tried.
  Task<void> deliver(Transport& transport, std::string message, std::size_t records);
  std::string encode_lines(std::string_view lines) const;
  Task<Result<otlp::Rejected>> attempt(Transport& transport, const std::string& prepared);
  void complain(const Error& error);

  runtime::Loop& loop_;
  const ExporterOptions& options_;
  const Signal signal_;
  const Batch batch_;
  const otlp::Envelope envelope_;
  Queue queue_;
  std::atomic<bool> asked_{false};  ///< the loop knows that there is a batch
  std::atomic<bool> over_{false};   ///< nothing is taken any more
  std::atomic<std::uint64_t> exported_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::array<std::atomic<std::uint64_t>, kLosses> lost_{};
  observe::log::Occasional complaints_;

  runtime::Event ready_;  ///< a batch is there, or the pipe is closed
  runtime::Event hurry_;
  bool closed_ = false;
  TimePoint until_ = TimePoint::max();
};

}  // namespace yun::telemetry
