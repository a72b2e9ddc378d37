// metrics [--listen 127.0.0.1:8080]: a slow answer that holds no thread, counted and timed for Prometheus.
//
//     curl http://127.0.0.1:8080/api/data          {"message":"Hello, world!"} after 100 ms
//     curl http://127.0.0.1:8080/metrics           http_requests_total{...}, http_request_duration_seconds_bucket{...}

#include "yun/yun.hpp"

using namespace std::chrono_literals;

struct Message { std::string message; };

yun::Task<yun::Result<Message>> slow(yun::Context& ctx) {
  YUN_CHECK(co_await yun::runtime::sleep_for(ctx, 100ms));
  co_return Message{"Hello, world!"};
}

int main(int argc, char** argv) {
  yun::App app{"metrics", argc, argv};
  app.metrics_on_service_port();
  app.get("/api/data", [](yun::Context& ctx) { return slow(ctx); });
  return app.run();
}
