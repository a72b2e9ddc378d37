#pragma once
// What a server may do and how long it waits. Every field has a default that is fit for the open network.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>

#include "yun/base/units.hpp"
#include "yun/http/codec1/request_parser.hpp"

namespace yun::tls {
class TlsContext;
}

namespace yun::http {

struct ServerOptions {
  // ---- times ----
  /// From the first byte of a head to its last (and from the connection's start to its first request): 408 and close.
  Duration header_timeout = std::chrono::seconds(10);
  /// Between two requests of a connection: closed without a word.
  Duration idle_timeout = std::chrono::seconds(60);
  /// Between two pieces of a request body that someone waits for: 408 body_timeout. A piece of HTTP/2 is a whole DATA frame, up to 16 KiB.
  Duration body_timeout = std::chrono::seconds(60);
  /// Without a byte of a streamed response (or with a peer that takes none): the stream is broken off. gRPC streams are exempt: theirs are deadlines.
  Duration stream_idle_timeout = std::chrono::seconds(60);
  /// The Context's deadline: from the head to the response head. Lifted once a streamed response has begun, and never set for gRPC (grpc-timeout does that).
  Duration request_timeout = std::chrono::seconds(15);
  /// A TLS handshake.
  Duration handshake_timeout = std::chrono::seconds(10);
  /// After this a connection is asked to go (Connection: close, GOAWAY), so that load spreads anew; 10 % jitter either way. Zero = never.
  Duration max_connection_age = Duration::zero();
  /// HTTP/2: a PING after so long without a frame from the peer; a second such time without an answer ends the connection. Zero = never.
  Duration ping_interval = std::chrono::seconds(60);

  // ---- sizes ----
  codec1::HeadLimits head;
  /// A larger request body is 413 body_too_large; gRPC is exempt (its messages have their own limit).
  std::uint64_t max_body = 10 << 20;
  /// A body of a known length up to this is read whole before the handler runs.
  std::size_t buffered_body = 64 << 10;
  /// What of an unread request body is read and dropped to keep a connection.
  std::size_t drain_body = 64 << 10;

  // ---- counts ----
  /// Over all loops; a further connection is closed at once (on_refused "max_connections").
  std::size_t max_connections = 100'000;
  /// Zero = no limit.
  std::uint64_t max_requests_per_connection = 0;
  std::uint32_t h2_max_streams = 100;
  std::uint32_t h2_stream_window = 64 << 10;
  std::uint32_t h2_connection_window = 1 << 20;
  /// Streams that a client may reset per connection in a minute before it gets GOAWAY (rapid reset).
  std::uint32_t h2_max_resets_per_minute = 200;
  int backlog = 1024;

  /// Set: the port speaks TLS only (ALPN h2, http/1.1).
  std::shared_ptr<const tls::TlsContext> tls;

  // ---- hooks, called on the connection's loop; they must not throw ----
  /// A request that the server itself refused: the status it gave (0: none could be given) and the reason word.
  std::function<void(int status, std::string_view reason)> on_refused;
  /// An exception that left a handler; the client got 500. Default: runtime::on_unhandled.
  std::function<void(std::exception_ptr)> on_unhandled;
};

}  // namespace yun::http
