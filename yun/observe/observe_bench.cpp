// What a request pays for being watched.

#include <benchmark/benchmark.h>

#include "yun/observe/observe.hpp"

namespace yun {
namespace {

void LogThatIsOff(benchmark::State& state) {
  log::set_level(log::Level::Warn);
  for (auto _ : state) log::info("request", {{"status", 200}});
  log::set_level(log::Level::Info);
}
BENCHMARK(LogThatIsOff);

void LogAccessLine(benchmark::State& state) {
  if (state.thread_index() == 0) (void)log::start({.service = "bench", .output = "/dev/null", .ring_size = 16 << 20});
  Context ctx;
  ctx.set_request_id("0193a2c4-7b1e-7c3a-9d2e-8f0a1b2c3d4e");
  for (auto _ : state)
    log::info(ctx, "request", {{"method", "GET"}, {"path", "/api/users/42"}, {"route", "/api/users/{id}"}, {"status", 200}, {"duration", 0.000123}});
  if (state.thread_index() == 0) log::stop();
}
BENCHMARK(LogAccessLine)->Threads(1)->Threads(2)->UseRealTime();

metrics::Registry& registry() {
  static metrics::Registry one;
  return one;
}

void CounterBound(benchmark::State& state) {
  static auto& counter = registry().counter("bench_total", "B.");
  for (auto _ : state) counter.add();
}
BENCHMARK(CounterBound)->Threads(1)->Threads(2);

void CounterByLabels(benchmark::State& state) {
  static auto& family = registry().counters("bench_requests_total", "B.", {"method", "path", "status"});
  for (auto _ : state) family.with({"GET", "/api/users/{id}", "200"}).add();
}
BENCHMARK(CounterByLabels)->Threads(1)->Threads(2);

void HistogramBound(benchmark::State& state) {
  static auto& histogram = registry().histogram("bench_seconds", "B.");
  for (auto _ : state) histogram.observe(0.003);
}
BENCHMARK(HistogramBound)->Threads(1)->Threads(2);

void SpanUnsampled(benchmark::State& state) {
  trace::Tracer tracer({.sampler = trace::Sampler::never()});
  Context ctx;
  for (auto _ : state) trace::Span span(tracer, ctx, "GET /", trace::Kind::Server, "");
}
BENCHMARK(SpanUnsampled);

void SpanSampledWithThreeAttributes(benchmark::State& state) {
  trace::Tracer tracer({.sampler = trace::Sampler::always()});
  Context ctx;
  for (auto _ : state) {
    trace::Span span(tracer, ctx, "GET /", trace::Kind::Server, "");
    span.set("http.request.method", "GET");
    span.set("http.route", "/api/users/{id}");
    span.set("http.response.status_code", 200);
  }
}
BENCHMARK(SpanSampledWithThreeAttributes);

}  // namespace
}  // namespace yun

BENCHMARK_MAIN();
