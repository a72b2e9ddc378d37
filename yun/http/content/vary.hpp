#pragma once
// Vary: says to caches which request headers an answer depends on (RFC 9110 12.5.5).

#include <string>
#include <string_view>

#include "yun/http/message.hpp"

namespace yun::http {

/// Adds `name` (lower case) if it is not said yet.
void add_vary(Response& response, std::string_view name);

}  // namespace yun::http
