// log: lines of five fields and a trace id until they are in a file on disk, the writer's time in it and none dropped.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "yun/observe/observe.hpp"

namespace {

constexpr int kLines = 20'000;  // between two flushes; the ring holds them all

void to_file(benchmark::State& state) {
  const char* folder = std::getenv("BENCH_DATA");
  if (auto started = yun::log::start({.output = (folder ? std::string(folder) : ".") + "/yun.log", .ring_size = 16 << 20}); !started)
    return state.SkipWithError(started.error().message().c_str());
  const auto dropped = yun::log::dropped();
  yun::Context ctx;
  ctx.set_request_id("0af7651916cd43dd8448eb211c80319c");
  for (auto _ : state) {
    for (int i = 0; i < kLines; ++i) {
      yun::log::info(ctx, "request", {{"method", "GET"}, {"path", "/api/users/42"}, {"route", "/api/users/{id}"}, {"status", 200}, {"duration", 0.000123}});
    }
    yun::log::flush();
  }
  if (yun::log::dropped() != dropped) state.SkipWithError("lines were dropped");
  yun::log::stop();
  state.SetItemsProcessed(state.iterations() * kLines);
}
BENCHMARK(to_file)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
