// json: structs read and written by yun::json.

#include <benchmark/benchmark.h>

#include "bench/micro/order.hpp"
#include "yun/json/read.hpp"
#include "yun/json/write.hpp"

namespace {

using namespace bench;

constexpr yun::json::ReadOptions kOptions{.max_size = 100u << 20};

template <typename T>
void read(benchmark::State& state, const char* name) {
  const std::string data = text(name);
  for (auto _ : state) {
    auto value = yun::json::read<T>(data, kOptions);
    if (!value) state.SkipWithError(value.error().message().c_str());
    benchmark::DoNotOptimize(value);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * data.size()));
}

template <typename T>
void write(benchmark::State& state, const char* name) {
  const std::string data = text(name);
  const auto value = yun::json::read<T>(data, kOptions);
  if (!value) return state.SkipWithError(value.error().message().c_str());
  std::string out;
  yun::json::write(out, *value);  // a server's buffer is warm too
  if (out != data) return state.SkipWithError("what was written is not what was read");
  for (auto _ : state) {
    out.clear();
    yun::json::write(out, *value);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * data.size()));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("read_small", read<User>, "small.json");
  benchmark::RegisterBenchmark("read_order", read<Order>, "order.json");
  benchmark::RegisterBenchmark("read_orders", read<std::vector<Order>>, "orders.json");
  benchmark::RegisterBenchmark("write_small", write<User>, "small.json");
  benchmark::RegisterBenchmark("write_order", write<Order>, "order.json");
  benchmark::RegisterBenchmark("write_orders", write<std::vector<Order>>, "orders.json");
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
