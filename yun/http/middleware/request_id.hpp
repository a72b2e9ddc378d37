#pragma once
// X-Request-Id: a sane one that comes in is kept (1 to 128 characters of A-Z a-z 0-9 - _ . : / + =), else one is made; it is in the
// Context, so in every log line and on every call made for this request, and goes back to the client.

#include "yun/http/middleware/middleware.hpp"

namespace yun::http {

std::shared_ptr<Middleware> request_id();

}  // namespace yun::http
