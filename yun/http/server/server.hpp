#pragma once
// Server: HTTP/1.1, HTTP/1.0 and HTTP/2 on one port, over all loops of a runtime.
//
//     Server server(runtime, router);
//     YUN_GET(address, server.listen(*Address::parse("127.0.0.1:8080")));
//     server.start();
//     runtime.run();
//
// One socket listens for each address (bound without SO_REUSEPORT: no second program can share it); loop 0 accepts and hands each connection to the
// loop with the least load, where it stays. A client that half-closes still gets its answer; one that resets (or fails) cancels the Context
// of the request in progress, as RST_STREAM does on HTTP/2.

#include <memory>
#include <vector>

#include "yun/http/message.hpp"
#include "yun/http/server/options.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::http {

class Server {
 public:
  /// All three must outlive the server, and the loops must not run any more when it goes.
  Server(runtime::Runtime& runtime, Handler& handler, ServerOptions options = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Before start(); may be called for several addresses. Gives the address bound (port 0: the one chosen). AlreadyExists if it is in use.
  Result<runtime::Address> listen(const runtime::Address& address);
  /// Begins to accept. From any thread, before or while the loops run.
  void start();
  /// Accepts what waits, closes the listeners, tells clients to go (Connection: close, GOAWAY) and waits up to `grace` for what is in flight;
  /// then cancels the rest. Returns when no connection is left. On any loop of the runtime, once.
  Task<void> drain(Duration grace);
  /// Connections open now, over all loops; from any thread.
  std::size_t connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yun::http
