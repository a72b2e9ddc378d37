#pragma once
// Where a Redis is and how to treat it; from a URL:
//
//     redis://user:password@host:6379/0?connections=2&timeout=100ms&prefix=shop:
//
// rediss:// is the same over TLS, verified against the system's store or ?ca=FILE. A password stands percent-encoded and is in no message.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "yun/base/units.hpp"
#include "yun/cache/redis/resp.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun::tls {
class TlsContext;
}

namespace yun::cache::redis {

struct Options {
  std::string host = "127.0.0.1";  ///< a name or an IP address
  std::uint16_t port = 6379;
  std::string user = {};       ///< ACL user; "" = the default one
  std::string password = {};   ///< "" = no AUTH
  unsigned database = 0;
  std::shared_ptr<tls::TlsContext> tls = {};  ///< null = plain. `host` is the name that the certificate must have
  std::string prefix = {};     ///< before every key of a Cache; Client::call takes keys as they are
  Size memory = {};            ///< of the memory tier before Redis; 0 = none

  unsigned connections = 1;                             ///< on each loop
  Duration timeout = std::chrono::milliseconds(100);    ///< of one command, within the Context's deadline
  Duration connect_timeout = std::chrono::seconds(1);   ///< until HELLO is answered
  Duration stall = std::chrono::milliseconds(100);      ///< when no answer has come for so long, further commands are refused until one does
  Duration silence = std::chrono::seconds(1);           ///< and for so long: the connection is closed
  Duration backoff_base = std::chrono::milliseconds(50);  ///< upper end of the first pause before connecting again; doubles each time
  Duration backoff_max = std::chrono::seconds(2);         ///< upper end of any pause
  std::size_t max_in_flight = 1024;                       ///< commands without their answer on a connection; more get redis_queue_full
  std::size_t max_queued = std::size_t{16} << 20;         ///< bytes not yet taken by the kernel on a connection; beyond: redis_queue_full
  Limits limits = {};

  std::string name = "default";          ///< the metrics' label `client`; a cache gives its own
  observe::metrics::Registry* metrics = nullptr;  ///< must outlive the client

  /// "host:port", for messages.
  std::string where() const;
};

/// InvalidArgument that names the part at fault. What the URL does not say stays as in `defaults`.
Result<Options> parse_url(std::string_view url, Options defaults = {});

}  // namespace yun::cache::redis
