#include <cstddef>
#include <cstdint>
#include <string_view>

#include "yun/http/client/response_parser.hpp"

/// The first byte chooses the request's method; the rest is what a server sent. Whatever is accepted must be consistent with itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace yun::http;
  if (size == 0) return 0;
  const auto method = static_cast<Method>(data[0] % 9);
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Headers headers;
  const auto head = client::parse_response_head(input, method, 16 << 10, headers);
  if (!head || head->size == 0) return 0;
  if (head->size > input.size() || head->status < 100 || head->status > 999) __builtin_trap();
  if (head->body == client::ResponseHead::BodyKind::Length && head->length == 0) __builtin_trap();
  if (head->keep_alive && head->body == client::ResponseHead::BodyKind::UntilClose) __builtin_trap();
  return 0;
}
