#include "yun/http/codec2/response_builder.hpp"

#include "yun/base/strings.hpp"

namespace yun::http::codec2 {

namespace {
constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 6.5.2
constexpr std::size_t kMostDigits = 18;     // of a length: fits into 63 bits
}  // namespace

void ResponseBuilder::begin(Method request_method, std::size_t max_head) {
  *this = ResponseBuilder();
  method_ = request_method;
  room_ = max_head;
}

void ResponseBuilder::add(std::string_view name, std::string_view value, Response& into) {
  if (error_) return;
  const std::size_t size = name.size() + value.size() + kFieldOverhead;
  if (size > room_) {
    error_ = "its head is too large";
    return;
  }
  room_ -= size;
  if (name.front() == ':') {
    status_ = static_cast<int>(parse_u64(value).value_or(0));
    into.status = status_;
    return;
  }
  if (name.size() == 14 && name == "content-length") {
    const auto length = value.size() <= kMostDigits ? parse_u64(value) : std::nullopt;
    if (!length || length_ >= 0) {
      error_ = "a content-length that is no plain number, or several";
      return;
    }
    length_ = static_cast<std::int64_t>(*length);
  }
  into.headers.add_parsed(name, value);
}

std::int64_t ResponseBuilder::content_left() const {
  if (method_ == Method::Connect && status_ / 100 == 2) return -1;  // a tunnel, whatever the length says (RFC 9110 8.6)
  if (method_ == Method::Head || status_ == 204 || status_ == 304) return 0;
  return length_;
}

}  // namespace yun::http::codec2
