#include "yun/app/admin.hpp"

#include "yun/app/debug/profiles.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::app {

namespace {

struct LogLevel {
  std::string level;
};

Result<LogLevel> set_level(const LogLevel& wanted) {
  auto level = observe::log::parse_level(wanted.level);
  if (!level) return invalid_argument("unknown level").with_violation("/level", level.error().message());
  observe::log::set_level(*level);
  observe::log::warn("log level changed", {{"to", wanted.level}});
  return wanted;
}

}  // namespace

Admin::Admin(observe::metrics::Registry& metrics, observe::trace::Tracer& tracer, Front& front, debug::Pages& pages) {
  router_.get("/metrics", [&metrics](http::Request& request) {
    http::Response response;
    answer_metrics(metrics, request, response);
    return response;
  });
  router_.get("/healthz", [] { return http::Response::json(200, R"({"status":"ok"})"); });
  router_.get("/readyz", [&front] {
    http::Response response;
    front.answer_ready(response);
    return response;
  });
  router_.get("/loglevel", [] { return LogLevel{std::string(observe::log::name(observe::log::level()))}; });
  router_.put("/loglevel", [](Json<LogLevel> wanted) { return set_level(*wanted); });
  debug::serve_profiles(pages, router_);
  pages.serve(router_);
  router_.get("/debug/spans", [&tracer] { return http::Response::json(200, tracer.recent_json()); });
}

}  // namespace yun::app
