// log: the same line by spdlog's basic file sink, as JSON by its pattern.

#include <benchmark/benchmark.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string>

namespace {

void to_file(benchmark::State& state) {
  const char* folder = std::getenv("BENCH_DATA");
  const auto logger = spdlog::basic_logger_st("bench", (folder ? std::string(folder) : ".") + "/spdlog.log", true);
  logger->set_pattern(R"({"ts":"%Y-%m-%dT%H:%M:%S.%f","level":"%l",%v})");
  for (auto _ : state) {
    logger->info(R"("msg":"request","trace_id":"{}","method":"{}","path":"{}","route":"{}","status":{},"duration":{})", "0af7651916cd43dd8448eb211c80319c", "GET",
                 "/api/users/42", "/api/users/{id}", 200, 0.000123);
  }
  logger->flush();
  spdlog::drop("bench");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(to_file)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
