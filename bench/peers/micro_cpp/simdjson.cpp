// json: the same structs read through simdjson's on-demand interface, written by hand as its documentation has it. It has no writer.

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include "bench/micro/order.hpp"

namespace {

using namespace bench;
namespace od = simdjson::ondemand;

std::string string(od::value value) { return std::string(std::string_view(value)); }

void fill(od::object object, User& user) {
  user.id = string(object["id"]);
  user.name = string(object["name"]);
}

void fill(od::object object, Line& line) {
  line.product = string(object["product"]);
  line.title = string(object["title"]);
  line.quantity = std::int64_t(object["quantity"]);
  line.price_cents = std::int64_t(object["price_cents"]);
  for (auto tag : object["tags"].get_array()) line.tags.push_back(string(tag.value()));
}

void fill(od::object object, Order& order) {
  order.customer = string(object["customer"]);
  order.currency = string(object["currency"]);
  order.note = string(object["note"]);
  for (auto line : object["lines"].get_array()) fill(line.get_object(), order.lines.emplace_back());
}

template <typename T>
void read(benchmark::State& state, const char* name) {
  const simdjson::padded_string data(text(name));
  od::parser parser;
  for (auto _ : state) {
    T value;
    auto document = parser.iterate(data);
    if constexpr (requires { value.push_back({}); }) {
      for (auto each : document.get_array()) fill(each.get_object(), value.emplace_back());
    } else {
      fill(document.get_object(), value);
    }
    benchmark::DoNotOptimize(value);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * data.size()));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("read_small", read<User>, "small.json");
  benchmark::RegisterBenchmark("read_order", read<Order>, "order.json");
  benchmark::RegisterBenchmark("read_orders", read<std::vector<Order>>, "orders.json");
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
