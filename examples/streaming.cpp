// streaming [--listen 127.0.0.1:8080]: bytes that come and go piece by piece, with back-pressure both ways.
//
//     curl -N http://127.0.0.1:8080/events                         data: 0, data: 1, ... one each 200 ms
//     curl -T big.iso -X POST -H 'transfer-encoding: chunked' http://127.0.0.1:8080/upload      {"bytes":5000000}

#include "yun/http/content/event_stream.hpp"
#include "yun/yun.hpp"

using namespace std::chrono_literals;
using namespace yun;

struct Received { std::uint64_t bytes = 0; };

Task<Result<void>> ticks(Context& ctx, http::EventStream& events) {
  for (int i = 0;; ++i) {
    const http::Event event{.data = std::to_string(i), .id = std::to_string(i)};
    YUN_CHECK(co_await events.send(ctx, event));
    YUN_CHECK(co_await runtime::sleep_for(ctx, 200ms));
  }
}

Task<Result<Received>> receive(Context& ctx, http::Request& request) {
  Received received;
  for (;;) {
    YUN_TRY(piece, co_await request.body.next(ctx));
    if (!piece) co_return received;
    received.bytes += piece->size();
  }
}

int main(int argc, char** argv) {
  App app{"streaming", argc, argv};
  app.get("/events", [] { return http::event_stream(ticks); });
  app.post("/upload", [](Context& ctx, http::Request& request) { return receive(ctx, request); });
  return app.run();
}
