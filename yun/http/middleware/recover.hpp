#pragma once
// What becomes of an exception that a handler let out: a bug, so 500 with nothing of its words, one log line that has them, a count.

#include <exception>

#include "yun/http/message.hpp"

namespace yun::http {

/// Fills `response`; never throws.
void recover(Context& ctx, const Request& request, Response& response, std::exception_ptr exception) noexcept;

}  // namespace yun::http
