#include "yun/http/middleware/middleware.hpp"

#include <string>

#include "yun/http/problem.hpp"

namespace yun::http {

namespace {

/// gRPC's own percent-encoding of grpc-message: all but printable ASCII, and '%'.
std::string grpc_message(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

bool is_grpc(const Request& request) {
  const auto type = request.headers.get("content-type");
  return type && type->starts_with("application/grpc");
}

}  // namespace

void refuse(Context& ctx, const Request& request, Response& response, const Error& error) {
  if (!is_grpc(request)) {
    response = problem(ctx, error);
    return;
  }
  response = Response();
  response.headers.add("content-type", "application/grpc");
  response.headers.add("grpc-status", std::to_string(static_cast<int>(error.code())));
  response.headers.add("grpc-message", grpc_message(error.message()));
  // gRPC's way of Retry-After (gRFC A6).
  if (const auto wait = error.retry_after()) response.headers.add("grpc-retry-pushback-ms", std::to_string(wait->count()));
  response.reason = reason_of(error);
}

}  // namespace yun::http
