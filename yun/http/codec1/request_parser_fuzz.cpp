// Any bytes: the parser must give the same whether they come at once or cut anywhere, and what it takes must be what a second reader takes.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "yun/http/codec1/request_parser.hpp"
#include "yun/http/codec1/target.hpp"

using namespace yun::http;
using namespace yun::http::codec1;

namespace {
void require(bool condition) {
  if (!condition) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  HeadLimits limits;
  limits.max_line = 512;
  limits.max_head = 2048;
  limits.max_headers = 16;
  if (size > 0 && (data[0] & 1) != 0) limits.allow_underscores = limits.allow_absolute_form = limits.allow_connect = true;

  Request whole;
  RequestParser parser(limits);
  const auto state = parser.parse(bytes, whole);

  Request cut;
  RequestParser slow(limits);
  auto slow_state = RequestParser::State::NeedMore;
  for (std::size_t at = 0; at <= size && slow_state == RequestParser::State::NeedMore; at += 1 + at / 7) slow_state = slow.parse(bytes.substr(0, at), cut);
  if (slow_state == RequestParser::State::NeedMore) slow_state = slow.parse(bytes, cut);
  require(state == slow_state);

  if (state == RequestParser::State::Failed) {
    require(parser.error().status >= 400 && !parser.error().reason.empty());
    require(parser.error().reason == slow.error().reason);
  }
  if (state != RequestParser::State::Done) return 0;
  require(parser.consumed() == slow.consumed() && parser.consumed() <= size);
  require(whole.path == cut.path && whole.headers.size() == cut.headers.size());
  const Framing& framing = parser.framing();
  require(!(framing.chunked && framing.content_length));
  require(whole.version == Version::Http10 || !whole.authority.empty());
  for (const auto field : whole.headers) {
    require(is_token(field.name));
    require(first_control(field.value) == field.value.size());
  }
  if (whole.path.starts_with("/")) {
    // What was normalised stays as it is.
    std::string again;
    std::string query;
    require(split_target(whole.path, again, query) == nullptr && again == whole.path && query.empty());
    require(whole.path.find("//") == std::string::npos && whole.path.find("/../") == std::string::npos && !whole.path.ends_with("/.."));
  }
  return 0;
}
