#pragma once
// The access log: one JSON line an exchange, when it is over.
//
// {"ts":..,"level":"info","msg":"request","trace_id":..,"request_id":..,"method":"GET","path":"/api/users/42","route":"/api/users/{id}",
//  "status":200,"duration":0.000123,"bytes":38,"peer":"127.0.0.1:54321","user_agent":"curl/7.88.1"}
// and "reason" for a refusal or failure, "error" for an exchange that broke off. 5xx and broken ones are level warn. The query is not
// logged: it may hold secrets.

#include <string>
#include <vector>

#include "yun/http/middleware/middleware.hpp"

namespace yun::http {

struct AccessLogOptions {
  /// Paths whose successes are not logged.
  std::vector<std::string> quiet = {"/health"};
};
std::shared_ptr<Middleware> access_log(AccessLogOptions options = {});

}  // namespace yun::http
