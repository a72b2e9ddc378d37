// gin_service [--listen 127.0.0.1:8080]: the service that every Gin tutorial begins with.
//
//     curl http://127.0.0.1:8080/health            {"status":"ok"}
//     curl http://127.0.0.1:8080/api/users/42      {"id":"42","name":"user_42"}
//     curl http://127.0.0.1:8080/metrics           http_requests_total{method="GET",path="/api/users/{id}",status="200"} 1 ...

#include "yun/yun.hpp"

struct User { std::string id, name; };

int main(int argc, char** argv) {
  yun::App app{"gin_service", argc, argv};
  app.metrics_on_service_port();
  app.get("/api/users/:id", [](yun::Path<"id"> id) { return User{*id, "user_" + *id}; });
  return app.run();
}
