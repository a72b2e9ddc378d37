// metrics: the same operations by prometheus-cpp.

#include <benchmark/benchmark.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace {

prometheus::Registry registry;
const prometheus::Histogram::BucketBoundaries kBuckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

void CounterBound(benchmark::State& state) {
  static auto& counter = prometheus::BuildCounter().Name("bench_total").Register(registry).Add({});
  for (auto _ : state) counter.Increment();
}
BENCHMARK(CounterBound)->Threads(1)->Threads(2);

void CounterByLabels(benchmark::State& state) {
  static auto& family = prometheus::BuildCounter().Name("bench_requests_total").Register(registry);
  for (auto _ : state) family.Add({{"method", "GET"}, {"path", "/api/users/{id}"}, {"status", "200"}}).Increment();
}
BENCHMARK(CounterByLabels)->Threads(1)->Threads(2);

void HistogramBound(benchmark::State& state) {
  static auto& histogram = prometheus::BuildHistogram().Name("bench_seconds").Register(registry).Add({}, kBuckets);
  for (auto _ : state) histogram.Observe(0.003);
}
BENCHMARK(HistogramBound)->Threads(1)->Threads(2);

}  // namespace

BENCHMARK_MAIN();
