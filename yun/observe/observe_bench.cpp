// What a request pays for being watched.

#include <benchmark/benchmark.h>

#include "yun/observe/observe.hpp"
#include "yun/runtime/loop.hpp"

namespace yun {
namespace {

void LogThatIsOff(benchmark::State& state) {
  log::set_level(log::Level::Warn);
  for (auto _ : state) log::info("request", {{"status", 200}});
  log::set_level(log::Level::Info);
}
BENCHMARK(LogThatIsOff);

/// The caller's part: the writer's goes on beside it and is waited for outside of the time. No line is dropped.
void LogAccessLine(benchmark::State& state) {
  constexpr int kLines = 2'000;  // between two waits; an App's ring holds them all
  if (state.thread_index() == 0) (void)log::start({.service = "bench", .output = "/dev/null", .ring_size = 1 << 20});
  const auto dropped = log::dropped();
  Context ctx;
  ctx.set_request_id("0193a2c4-7b1e-7c3a-9d2e-8f0a1b2c3d4e");
  int left = kLines;
  for (auto _ : state) {
    log::info(ctx, "request", {{"method", "GET"}, {"path", "/api/users/42"}, {"route", "/api/users/{id}"}, {"status", 200}, {"duration", 0.000123}});
    if (--left > 0) continue;
    state.PauseTiming();
    log::flush();
    left = kLines;
    state.ResumeTiming();
  }
  if (log::dropped() != dropped) state.SkipWithError("lines were dropped");
  if (state.thread_index() == 0) log::stop();
}
BENCHMARK(LogAccessLine)->Threads(1)->Threads(2);

metrics::Registry& registry() {
  static metrics::Registry one;
  return one;
}

void CounterBound(benchmark::State& state) {
  static auto& counter = registry().counter("bench_total", "B.");
  for (auto _ : state) counter.add();
}
BENCHMARK(CounterBound)->ThreadRange(1, 4);

void CounterByLabels(benchmark::State& state) {
  static auto& family = registry().counters("bench_requests_total", "B.", {"method", "path", "status"});
  for (auto _ : state) family.with({"GET", "/api/users/{id}", "200"}).add();
}
BENCHMARK(CounterByLabels)->ThreadRange(1, 4);

void HistogramBound(benchmark::State& state) {
  static auto& histogram = registry().histogram("bench_seconds", "B.");
  for (auto _ : state) histogram.observe(0.003);
}
BENCHMARK(HistogramBound)->ThreadRange(1, 4);

/// On a loop, as nearly all spans are.
void on_loop(benchmark::State& state, void (*run)(benchmark::State&)) {
  runtime::Loop loop;
  loop.post([&] {
    run(state);
    loop.stop();
  });
  loop.run();
}

void unsampled(benchmark::State& state) {
  trace::Tracer tracer({.sampler = trace::Sampler::never()});
  Context ctx;
  for (auto _ : state) trace::Span span(tracer, ctx, "GET /", trace::Kind::Server, "");
}
void SpanUnsampled(benchmark::State& state) { on_loop(state, unsampled); }
BENCHMARK(SpanUnsampled);
void SpanUnsampledOffLoop(benchmark::State& state) { unsampled(state); }
BENCHMARK(SpanUnsampledOffLoop);

void SpanSampledWithThreeAttributes(benchmark::State& state) {
  on_loop(state, [](benchmark::State& run) {
    trace::Tracer tracer({.sampler = trace::Sampler::always()});
    Context ctx;
    for (auto _ : run) {
      trace::Span span(tracer, ctx, "GET /", trace::Kind::Server, "");
      span.set("http.request.method", "GET");
      span.set("http.route", "/api/users/{id}");
      span.set("http.response.status_code", 200);
    }
  });
}
BENCHMARK(SpanSampledWithThreeAttributes);

}  // namespace
}  // namespace yun

BENCHMARK_MAIN();
