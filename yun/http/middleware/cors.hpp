#pragma once
// CORS (the Fetch standard's protocol) for services that browsers of other origins may call. Off unless it is used.
//
//     router.use(cors({.origins = {"https://shop.example"}, .credentials = Credentials::Allow}));

#include <string>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/http/middleware/middleware.hpp"

namespace yun::http {

enum class Credentials { Refuse, Allow };

struct CorsOptions {
  /// Exact origins, or "*" for any (then credentials are never allowed).
  std::vector<std::string> origins = {};
  std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  /// What a request may carry beside the safelisted headers.
  std::vector<std::string> headers = {"authorization", "content-type", "idempotency-key", "traceparent", "x-request-id"};
  /// What a script may read beside the safelisted ones.
  std::vector<std::string> exposed = {"location", "retry-after", "x-request-id"};
  Credentials credentials = Credentials::Refuse;
  /// How long a browser may remember a preflight's answer.
  Duration max_age = std::chrono::minutes(10);
};
/// In a pipeline before the router: preflights are answered here, with 204.
std::shared_ptr<Middleware> cors(CorsOptions options);

}  // namespace yun::http
