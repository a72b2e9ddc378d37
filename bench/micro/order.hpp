#pragma once
// The values that the JSON programs read and write, and the texts of them in the folder BENCH_DATA: small.json, order.json, orders.json.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace bench {

struct User {
  std::string id, name;
};

struct Line {
  std::string product, title;
  std::int64_t quantity = 0, price_cents = 0;
  std::vector<std::string> tags;
};

struct Order {
  std::string customer, currency, note;
  std::vector<Line> lines;
};

inline std::string text(const std::string& name) {
  const char* folder = std::getenv("BENCH_DATA");
  std::ifstream in((folder ? std::string(folder) : ".") + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace bench
