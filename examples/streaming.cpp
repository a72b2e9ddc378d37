// streaming [--listen 127.0.0.1:8080]: bytes that come and go piece by piece, with back-pressure both ways.
//
//     curl -N http://127.0.0.1:8080/events                         data: 0, data: 1, ... one each 200 ms
//     curl -T big.iso -X POST -H 'transfer-encoding: chunked' http://127.0.0.1:8080/upload      {"bytes":5000000}
//     a WebSocket at /echo, over HTTP/1.1 or HTTP/2: what it is sent comes back

#include "yun/http/content/event_stream.hpp"
#include "yun/http/websocket/websocket.hpp"
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

Task<Result<void>> echo(Context& ctx, http::WebSocket& socket) {
  for (;;) {
    YUN_TRY(message, co_await socket.receive(ctx));
    if (!message) co_return Result<void>();
    YUN_CHECK(co_await socket.send(ctx, std::move(*message)));
  }
}

int main(int argc, char** argv) {
  App app{"streaming", argc, argv};
  app.get("/events", [] { return http::event_stream(ticks); });
  app.get("/echo", [](Context& ctx, http::Request& request) { return http::accept_websocket(ctx, request, echo); });
  app.post("/upload", [](Context& ctx, http::Request& request) { return receive(ctx, request); });
  return app.run();
}
