// json: the same structs by nlohmann's macros.

#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "bench/micro/order.hpp"

namespace bench {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(User, id, name)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Line, product, title, quantity, price_cents, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Order, customer, currency, note, lines)
}  // namespace bench

namespace {

using namespace bench;

template <typename T>
void read(benchmark::State& state, const char* name) {
  const std::string data = text(name);
  for (auto _ : state) {
    T value = nlohmann::json::parse(data).get<T>();
    benchmark::DoNotOptimize(value);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * data.size()));
}

template <typename T>
void write(benchmark::State& state, const char* name) {
  const std::string data = text(name);
  const T value = nlohmann::json::parse(data).get<T>();
  for (auto _ : state) {
    std::string out = nlohmann::json(value).dump();
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
