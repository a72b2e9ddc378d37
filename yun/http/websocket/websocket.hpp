#pragma once
// WebSocket: messages both ways (RFC 6455) over an upgraded HTTP/1.1 connection or a stream of HTTP/2 (RFC 8441); the function cannot tell which.
//
//     Task<Result<void>> echo(Context& ctx, WebSocket& socket) {
//       for (;;) {
//         YUN_TRY(message, co_await socket.receive(ctx));
//         if (!message) co_return Result<void>();             // the peer closed
//         YUN_CHECK(co_await socket.send(ctx, std::move(*message)));
//       }
//     }
//     router.get("/echo", [](Context& ctx, Request& request) { return accept_websocket(ctx, request, echo); });
//
// Pings are answered inside receive(). No extensions.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/http/message.hpp"
#include "yun/http/tunnel.hpp"
#include "yun/http/websocket/frame.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http {

struct WebSocketOptions {
  std::size_t max_message = 1u << 20;  ///< bytes; a larger one closes with 1009
  /// Without a byte from the peer for so long it is pinged; after a second such time the socket fails with Unavailable.
  Duration ping_interval = std::chrono::seconds(30);
  Duration close_timeout = std::chrono::seconds(2);  ///< how long the peer's close is waited for
  /// Subprotocols that are spoken; the first one the client names is taken.
  std::vector<std::string> protocols = {};
  /// Origins of pages that may connect beside the service's own; "*" = any. A request without Origin is no browser's and passes.
  std::vector<std::string> origins = {};
};

class WebSocket {
 public:
  struct Message {
    std::string data;
    enum class Kind : std::uint8_t { Text, Binary } kind = Kind::Text;
  };

  /// The next message; nullopt once the peer has closed. InvalidArgument for a peer that breaks the protocol (it is told why). One
  /// task at a time; another may send meanwhile.
  Task<Result<std::optional<Message>>> receive(Context& ctx);
  /// Waits while the peer is slow. Text must be UTF-8. FailedPrecondition after close().
  Task<Result<void>> send(Context& ctx, Message message);
  /// Says goodbye; what is still received is dropped. May be left to the end of the function.
  Task<Result<void>> close(Context& ctx, std::uint16_t code = websocket::kNormal, std::string reason = "");

  /// The subprotocol agreed on, or "".
  const std::string& protocol() const { return protocol_; }
  /// Once the peer has closed: its code and words.
  std::uint16_t close_code() const { return close_code_; }
  const std::string& close_reason() const { return close_reason_; }

 private:
  friend struct WebSocketServer;
  WebSocket(Tunnel& tunnel, WebSocketOptions options, std::string protocol);
  Task<Result<void>> write_frame(Cancel& cancel, websocket::Opcode opcode, std::string payload);
  Task<Result<void>> read_more(Context& ctx);
  Task<void> say_goodbye(Result<void> outcome);

  Tunnel& tunnel_;
  WebSocketOptions options_;
  std::string protocol_;
  websocket::FrameDecoder decoder_;
  runtime::Semaphore turn_{1, 64};
  bool sent_close_ = false;
  bool got_close_ = false;
  std::uint16_t close_code_ = websocket::kNoCode;
  std::string close_reason_;
};

using WebSocketFunction = std::function<Task<Result<void>>(Context&, WebSocket&)>;

/// 101 (over HTTP/2: 200) if `request` is a proper handshake, else the problem that says why not (400, 403 for a foreign Origin, 426 for another version).
/// `function` runs once the answer is out and lives as long as the connection; its error closes with 1011.
Response accept_websocket(Context& ctx, const Request& request, WebSocketFunction function, WebSocketOptions options = {});

}  // namespace yun::http
