#pragma once
// The OpenAPI 3.1.0 document of a router. Every operation answers problems (RFC 9457) where it can: 422 with the faults of parameters
// and body, `default` for the rest.

#include <string>
#include <vector>

#include "yun/http/router/router.hpp"
#include "yun/json/value.hpp"

namespace yun::openapi {

struct Info {
  std::string title = "service";
  std::string version = "0.0.0";
  std::string description = "";
  /// URLs; none = where the document came from.
  std::vector<std::string> servers = {};
};

/// Hidden operations and handlers for any method are left out. In the order of adding.
json::Value document(const http::Router& router, const Info& info);

}  // namespace yun::openapi
