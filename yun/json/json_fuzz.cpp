// What is read must be written so that it reads back equal; reading into types must agree with reading as a tree.

#include <cstdlib>
#include <map>
#include <variant>

#include "yun/json/read.hpp"
#include "yun/json/schema.hpp"
#include "yun/json/value.hpp"
#include "yun/json/write.hpp"

namespace {

using namespace yun;

enum class Colour { Red, DarkBlue };
struct Circle {
  double radius = 0;
};
struct Square {
  std::int64_t side = 0;
};
struct Part {
  std::string name;
  std::optional<int> count;
  std::vector<Part> parts;
  static void rules(json::Rules<Part>& r) { r.field(&Part::name).not_blank().max_length(20); }
};
struct Thing {
  static constexpr bool kDefaults = true;
  std::string text;
  std::uint8_t small = 0;
  std::int64_t large = 0;
  double number = 0;
  bool flag = false;
  Colour colour{};
  Time time{};
  Duration duration{};
  std::variant<Circle, Square> shape;
  std::map<std::string, Part> parts;
  std::array<int, 2> pair{};
  json::Value any;
};

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const auto value = json::parse(text);
  if (value.ok()) {
    const std::string written = json::to_json(*value);
    const auto again = json::parse(written);
    require(again.ok() && *again == *value);
    require(json::to_json(*again) == written);
    require(json::parse(json::to_pretty(*value)).ok());
  } else {
    require(!value.error().message().empty());
  }

  // A type is never read from what is no JSON, and a syntax error is the same error whatever the type.
  const auto thing = json::read<Thing>(text);
  const bool is_json = value.ok() || !value.error().violations().empty();
  if (!is_json) require(!thing.ok() && thing.error().message() == value.error().message());
  if (thing.ok()) {
    const std::string written = json::to_json(*thing);
    const auto again = json::read<Thing>(written, {.max_size = 100u << 20});
    require(again.ok() && json::to_json(*again) == written);
  } else if (is_json) {
    require(!thing.error().violations().empty());
  }

  // Text of any bytes can be written.
  require(json::read<std::string>(json::to_json(text), {.max_size = 100u << 20}).ok());
  return 0;
}
