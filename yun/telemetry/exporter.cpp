#include "yun/telemetry/exporter.hpp"

#include <algorithm>
#include <thread>

#include "yun/runtime/threads.hpp"
#include "yun/telemetry/pipe.hpp"

namespace yun::telemetry {

namespace {

constexpr std::string_view kLossNames[kLosses] = {"queue_full", "undelivered", "rejected", "shutdown"};
constexpr Signal kAll[kSignals] = {Signal::Traces, Signal::Metrics, Signal::Logs};

class SpanQueue final : public observe::trace::SpanSink {
 public:
  explicit SpanQueue(Pipe& pipe) : pipe_(pipe) {}
  void on_end(const observe::trace::SpanData& span) noexcept override {
    static thread_local std::string record;
    record.clear();
    otlp::append_span(record, span);
    pipe_.offer(record);
  }

 private:
  Pipe& pipe_;
};

class LineQueue final : public observe::log::Sink {
 public:
  explicit LineQueue(Pipe& pipe) : pipe_(pipe) {}
  void write(std::string_view lines) noexcept override {
    while (!lines.empty()) {
      const std::size_t end = std::min(lines.find('\n'), lines.size() - 1) + 1;
      pipe_.offer(lines.substr(0, end));
      lines.remove_prefix(end);
    }
  }

 private:
  Pipe& pipe_;
};

}  // namespace

struct Exporter::Inner {
  explicit Inner(ExporterOptions given) : options(std::move(given)) {
    const Batch batches[kSignals] = {options.spans, {.max_queue = 0}, options.lines};
    for (const Signal signal : kAll) {
      if (options.target(signal).url.empty()) continue;
      auto transport = Transport::make(signal, options.target(signal));
      if (!transport) {
        complaints.push_back(std::move(transport).error().with_context("OTLP " + std::string(name(signal))));
        continue;
      }
      const auto i = static_cast<std::size_t>(signal);
      transports[i] = *std::move(transport);
      pipes[i] = std::make_unique<Pipe>(loop, options, signal, batches[i]);
    }
    if (pipes[0]) spans = std::make_shared<SpanQueue>(*pipes[0]);
    if (pipes[2]) lines = std::make_shared<LineQueue>(*pipes[2]);
  }

  Task<void> live() {
    runtime::Scope scope;
    if (pipes[0]) scope.spawn(pipes[0]->run(std::move(transports[0])));
    if (pipes[1] && registry) scope.spawn(pipes[1]->report(std::move(transports[1]), *registry, options.metric_interval));
    if (pipes[2]) scope.spawn(pipes[2]->run(std::move(transports[2])));
    co_await scope.join();
    loop.stop();
  }

  void start() {
    for (const Error& error : complaints) observe::log::error("telemetry is not exported", {{"error", error}});
    loop.post([this] { loop.spawn(live()); });
    thread = std::thread([this] { loop.run(); });
  }

  void close(TimePoint until) {
    for (const auto& pipe : pipes) {
      if (pipe) pipe->close(until);
    }
  }

  const ExporterOptions options;
  runtime::Loop loop;
  std::array<std::unique_ptr<Transport>, kSignals> transports;
  std::array<std::unique_ptr<Pipe>, kSignals> pipes;
  std::shared_ptr<SpanQueue> spans;
  std::shared_ptr<LineQueue> lines;
  observe::metrics::Registry* registry = nullptr;
  std::vector<Error> complaints;
  std::vector<observe::metrics::Registry::Registration> registrations;
  std::thread thread;
};

Exporter::Exporter(ExporterOptions options) : inner_(std::make_unique<Inner>(std::move(options))) {}

Exporter::~Exporter() { stop(Duration::zero()); }

void Exporter::start() { inner_->start(); }

void Exporter::stop(Duration within) {
  if (!inner_->thread.joinable()) return;
  const TimePoint until = Clock::now() + within;
  inner_->loop.post([inner = inner_.get(), until] { inner->close(until); });
  inner_->thread.join();
}

std::shared_ptr<observe::trace::SpanSink> Exporter::span_sink() const { return inner_->spans; }

std::shared_ptr<observe::log::Sink> Exporter::log_sink() const { return inner_->lines; }

Exporter::Stats Exporter::stats(Signal signal) const {
  const auto& pipe = inner_->pipes[static_cast<std::size_t>(signal)];
  return pipe ? pipe->stats() : Stats{};
}

void Exporter::add_metrics(observe::metrics::Registry& registry) {
  using observe::metrics::Kind;
  using observe::metrics::Sample;
  inner_->registry = &registry;
  const auto add = [&](std::string_view metric, std::string_view help, Kind kind, auto value) {
    auto collect = [inner = inner_.get(), value](const Sample& take) {
      for (const Signal signal : kAll) {
        if (const auto& pipe = inner->pipes[static_cast<std::size_t>(signal)]) take({name(signal)}, static_cast<double>(value(pipe->stats())));
      }
    };
    inner_->registrations.push_back(registry.callback(metric, help, kind, {"signal"}, std::move(collect)));
  };
  add("telemetry_exported_total", "Records that a collector took.", Kind::Counter, [](const Stats& stats) { return stats.exported; });
  add("telemetry_export_failures_total", "Tries to deliver records that failed.", Kind::Counter, [](const Stats& stats) { return stats.failures; });
  add("telemetry_queue_length", "Records that wait to be delivered.", Kind::Gauge, [](const Stats& stats) { return stats.queued; });
  inner_->registrations.push_back(registry.callback(
      "telemetry_dropped_total", "Records lost, by reason.", Kind::Counter, {"signal", "reason"}, [inner = inner_.get()](const Sample& take) {
        for (const Signal signal : kAll) {
          const auto& pipe = inner->pipes[static_cast<std::size_t>(signal)];
          if (!pipe) continue;
          const Stats stats = pipe->stats();
          for (std::size_t i = 0; i < kLosses; ++i) take({name(signal), kLossNames[i]}, static_cast<double>(stats.lost[i]));
        }
      }));
}

}  // namespace yun::telemetry
