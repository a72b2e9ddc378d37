#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/cache/redis/resp.hpp"

namespace {

using yun::Buffer;
using yun::cache::redis::Decoder;
using yun::cache::redis::Value;

/// As bytes that can be compared (NaN is not equal to itself); traps on a reply beyond the limits.
void write(const Value& value, std::size_t depth, std::string& out) {
  if (depth > 4) __builtin_trap();
  out += std::to_string(static_cast<int>(value.kind)) + "," + std::to_string(value.integer) + "," + std::to_string(value.number) + "," + value.text + "[";
  if (value.is(Value::Kind::Map) && value.items.size() % 2 != 0) __builtin_trap();
  if (value.is(Value::Kind::Push) && depth != 0) __builtin_trap();
  for (const Value& item : value.items) write(item, depth + 1, out);
  out += "]";
}

/// Every reply, and how it ended, when the input comes `step` bytes at a time.
std::string read_all(std::string_view input, std::size_t step) {
  Decoder decoder({.bulk = 4096, .reply = 8192, .items = 1000, .depth = 4, .line = 1024});
  Buffer in;
  std::string out;
  for (std::size_t at = 0; at < input.size(); at += step) {
    in.append(input.substr(at, step));
    for (;;) {
      auto reply = decoder.decode(in);
      if (!reply) return out + "!";
      if (!*reply) break;
      write(**reply, 0, out);
    }
  }
  return out;
}

}  // namespace

/// The first byte says how the input is cut into pieces: how it is cut must not matter.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read_all(input, input.size() + 1) != read_all(input, 1 + data[0] % 16U)) __builtin_trap();
  return 0;
}
