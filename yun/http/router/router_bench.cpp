// Lookups alone and a whole typed handler. ./router_bench

#include <benchmark/benchmark.h>

#include "yun/http/router/router.hpp"

namespace yun::http {

struct BenchUser {
  std::string id, name;
};

namespace {

void fill(Router& router) {
  for (const char* pattern : {"/", "/health", "/metrics", "/api/login", "/api/users", "/api/users/{id}", "/api/users/{id}/orders", "/api/products",
                              "/api/products/{id}", "/api/orders", "/api/orders/{id}", "/api/orders/{id}/cancel", "/repos/{owner}/{repo}/git/blobs/{sha}",
                              "/static/{path...}", "/docs", "/openapi.json"}) {
    router.get(pattern, [] { return "x"; });
  }
}

void lookup(benchmark::State& state, std::string path) {
  Router router;
  fill(router);
  Tree::Captures captures;
  for (auto _ : state) {
    benchmark::DoNotOptimize(router.find(Method::Get, path, captures));
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(lookup, text, std::string("/api/products"));
BENCHMARK_CAPTURE(lookup, one_parameter, std::string("/api/users/42"));
BENCHMARK_CAPTURE(lookup, three_parameters, std::string("/repos/yun/toolkit/git/blobs/deadbeef"));
BENCHMARK_CAPTURE(lookup, rest, std::string("/static/css/site.css"));
BENCHMARK_CAPTURE(lookup, nothing, std::string("/nowhere/at/all"));

void typed_json(benchmark::State& state) {
  Router router;
  router.get("/api/users/{id}", [](Path<"id"> id) { return BenchUser{*id, "user_" + *id}; });
  Context ctx;
  Request request;
  Response response;
  request.path = "/api/users/42";
  for (auto _ : state) {
    response.headers.clear();
    Task<void> task = router.handle(ctx, request, response);
    benchmark::DoNotOptimize(response.body.bytes().data());
  }
}
BENCHMARK(typed_json);

}  // namespace
}  // namespace yun::http

BENCHMARK_MAIN();
