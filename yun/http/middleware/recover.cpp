#include "yun/http/middleware/recover.hpp"

#include <string>

#include "yun/http/middleware/middleware.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::http {

namespace {
std::string words_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "not a std::exception";
  }
}
}  // namespace

void recover(Context& ctx, const Request& request, Response& response, std::exception_ptr exception) noexcept {
  const std::string words = words_of(exception);
  log::error(ctx, "a handler threw", {{"exception", words}, {"method", name(request.method)}, {"path", request.path}});
  refuse(ctx, request, response, internal_error("a handler failed").with_reason("panic"));
}

}  // namespace yun::http
