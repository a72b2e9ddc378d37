#include "yun/http/bind/render.hpp"

namespace yun::http::detail {

namespace {
constexpr std::size_t kKeptScratch = 256u << 10;
}  // namespace

std::string& scratch() {
  static thread_local std::string buffer;
  if (buffer.capacity() > kKeptScratch) std::string().swap(buffer);  // one huge answer is no reason to keep its memory
  return buffer;
}

void set_json(Response& response, int status, std::string_view body) {
  response.status = status;
  response.headers.set("content-type", "application/json");
  response.body.assign(body);
}

}  // namespace yun::http::detail
