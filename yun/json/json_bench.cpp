// A typical small body: struct to text and back, against the tree and against a copy of the bytes.

#include <benchmark/benchmark.h>

#include <cstring>

#include "yun/json/read.hpp"
#include "yun/json/value.hpp"
#include "yun/json/write.hpp"

namespace {

using namespace yun;

struct Line {
  std::string product_id;
  int quantity = 0;
};
struct Money {
  std::int64_t amount = 0;
  std::string currency;
};
struct Order {
  std::string id, status;
  std::vector<Line> items;
  Money total;
  std::optional<std::string> note;
};
struct Greeting {
  std::string id, name;
};

Order order() {
  Order made{"01935a70-7e0a-7c3e-9f3e-3d3a1f0b8a11", "placed", {}, {129900, "EUR"}, "leave it at the door, please"};
  for (int i = 0; i < 5; ++i) made.items.push_back({"product-" + std::to_string(i), i + 1});
  return made;
}

void set_bytes(benchmark::State& state, std::size_t size) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(size));
}

void copy_bytes(benchmark::State& state) {
  const std::string text = json::to_json(order());
  std::string out;
  for (auto _ : state) {
    out.clear();
    out.append(text);
    benchmark::DoNotOptimize(out.data());
  }
  set_bytes(state, text.size());
}
BENCHMARK(copy_bytes);

void write_greeting(benchmark::State& state) {
  const Greeting greeting{"42", "user_42"};
  std::string out;
  for (auto _ : state) {
    out.clear();
    json::write(out, greeting);
    benchmark::DoNotOptimize(out.data());
  }
  set_bytes(state, out.size());
}
BENCHMARK(write_greeting);

void write_order(benchmark::State& state) {
  const Order made = order();
  std::string out;
  for (auto _ : state) {
    out.clear();
    json::write(out, made);
    benchmark::DoNotOptimize(out.data());
  }
  set_bytes(state, out.size());
}
BENCHMARK(write_order);

void read_greeting(benchmark::State& state) {
  const std::string text = json::to_json(Greeting{"42", "user_42"});
  for (auto _ : state) benchmark::DoNotOptimize(json::read<Greeting>(text));
  set_bytes(state, text.size());
}
BENCHMARK(read_greeting);

void read_order(benchmark::State& state) {
  const std::string text = json::to_json(order());
  for (auto _ : state) benchmark::DoNotOptimize(json::read<Order>(text));
  set_bytes(state, text.size());
}
BENCHMARK(read_order);

void parse_tree(benchmark::State& state) {
  const std::string text = json::to_json(order());
  for (auto _ : state) benchmark::DoNotOptimize(json::parse(text));
  set_bytes(state, text.size());
}
BENCHMARK(parse_tree);

}  // namespace

BENCHMARK_MAIN();
