// guard_http1 N: N requests of one warm HTTP/1.1 connection through server, default middleware, router and a typed handler, in memory and on one thread.
// bench/guard/run counts its instructions.

#include <cstdio>
#include <cstdlib>

#include "bench/guard/memory.hpp"
#include "yun/http/http.hpp"
#include "yun/http/server/link.hpp"
#include "yun/observe/log/log.hpp"

struct User { std::string id, name; };

namespace {

std::size_t written = 0;

yun::Task<void> serve(yun::http::server::Shard& shard, std::size_t requests) {
  auto transport = std::make_unique<guard::MemoryTransport>(
      "GET /api/users/42 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: guard/1.0\r\nAccept: */*\r\n\r\n", requests);
  guard::MemoryTransport& memory = *transport;
  yun::http::server::Link link(shard, std::move(transport));
  co_await yun::http::server::serve_http1(link);
  written = memory.written();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace yun;
  const auto requests = static_cast<std::size_t>(argc > 1 ? std::atoll(argv[1]) : 1000);
  observe::metrics::Registry registry;
  observe::trace::Tracer tracer({.sampler = observe::trace::Sampler::never()});  // what chance decides is not counted
  http::Router router;
  router.get("/api/users/{id}", [](Path<"id"> id) { return User{*id, "user_" + *id}; });
  http::Pipeline pipeline(http::default_middleware({.registry = registry, .tracer = tracer}), router);
  if (!log::start({.service = "guard", .output = "/dev/null"})) return 1;

  runtime::Loop loop;
  http::server::Shared shared{pipeline, {}, {}, {}};
  loop.post([&] {
    struct Run {
      static Task<void> all(runtime::Loop& on, http::server::Shared& with, std::size_t count) {
        http::server::Shard shard(on, with);
        co_await serve(shard, count);
        on.stop();
      }
    };
    loop.spawn(Run::all(loop, shared, requests));
  });
  loop.run();
  log::stop();
  std::printf("%zu requests, %zu bytes\n", requests, written);
  return written / std::max<std::size_t>(requests, 1) > 100 ? 0 : 1;
}
