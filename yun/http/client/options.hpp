#pragma once
// What a Client can be told; every limit with its default.

#include <string>

#include "yun/base/units.hpp"
#include "yun/http/tls/tls.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun::http {

enum class Http2 : std::uint8_t {
  Off,
  Negotiate,       ///< by ALPN over TLS; HTTP/1 without TLS
  PriorKnowledge,  ///< always HTTP/2, also without TLS (gRPC)
};

enum class Proxy : std::uint8_t { FromEnvironment, None };

struct ClientOptions {
  std::string name = "default";  ///< label `client` in metrics
  /// http_client_requests_total{client,method,status} (status 0: no answer), http_client_request_duration_seconds{client,method} (to the head of the
  /// answer), http_client_failures_total{client,reason}. Must outlive the client; null counts nothing.
  observe::metrics::Registry* registry = nullptr;
  Duration connect_timeout = std::chrono::seconds(2);  ///< name, TCP, proxy and TLS together
  Duration timeout{};  ///< of an exchange, to its response head, when the Context has no earlier deadline; 0 = only the Context's
  Http2 http2 = Http2::Negotiate;
  tls::ClientTls tls = {};  ///< its alpn is set by `http2`
  Proxy proxy = Proxy::FromEnvironment;
  std::string user_agent = "yun";  ///< "" sends none

  // Each loop has its own pool; the limits are a pool's.
  std::size_t max_connections_per_host = 256;  ///< HTTP/1 exchanges at once; more wait
  std::size_t max_waiting_per_host = 1024;     ///< more get ResourceExhausted with reason `client_queue_full`
  std::size_t max_idle_per_host = 64;
  std::size_t max_hosts = 1024;                ///< idle hosts are forgotten past this
  Duration idle_timeout = std::chrono::seconds(30);  ///< shorter than servers' (60 s here)
  std::size_t max_response_head = 64_KiB;

  std::size_t max_http2_connections_per_host = 4;  ///< another is opened when the peer allows no more streams on those there are
  std::size_t max_streams_per_connection = 1000;   ///< if the peer allows as many
  std::uint32_t stream_window = 256 << 10;         ///< bytes of a response body that may wait for their reader
  std::uint32_t connection_window = 16 << 20;
  Duration ping_interval{};                         ///< a PING when a connection with open streams was silent so long; 0 = none
  Duration ping_timeout = std::chrono::seconds(20);  ///< then the connection is given up
};

}  // namespace yun::http
