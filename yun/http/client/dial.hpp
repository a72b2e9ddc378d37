#pragma once
// Dialling: from a destination to a connected transport, through a proxy and TLS where asked.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "yun/balance/dns.hpp"
#include "yun/http/client/url.hpp"
#include "yun/http/tls/tls.hpp"
#include "yun/runtime/net.hpp"

namespace yun::http::client {

struct Destination {
  Url url;                                   ///< scheme, host (for TLS: the name to verify) and port
  std::optional<runtime::Address> address;  ///< known already; else the host is looked up
  std::optional<Url> proxy;
  /// Connections with the same key are interchangeable.
  std::string key() const;
};

/// Unavailable with reason upstream_connect: nothing was sent.
Error no_connection(std::string message);

/// One loop's: it remembers names for their time to live.
class Dialer {
 public:
  /// `tls` may be null: then https is refused.
  Dialer(std::shared_ptr<tls::TlsContext> tls, Duration timeout) : tls_(std::move(tls)), timeout_(timeout) {}

  void set_tls(const std::shared_ptr<tls::TlsContext>& tls) { tls_ = tls; }

  /// Tries each address in turn within the timeout. Unavailable with reason upstream_connect (retry_after set) if none answers, the name is
  /// unknown, the proxy refuses or TLS fails; Unauthenticated with reason upstream_certificate if the peer is not who it should be; the Context's errors.
  Task<Result<std::unique_ptr<runtime::Transport>>> dial(Context& ctx, Destination to);

 private:
  Task<Result<std::unique_ptr<runtime::Transport>>> dial_within(Context& ctx, const Destination& to);
  Task<Result<std::vector<runtime::Address>>> find(Context& ctx, const Destination& to);
  Task<Result<void>> tunnel(Context& ctx, runtime::Socket& socket, const Destination& to);

  struct Known {
    std::vector<runtime::Address> addresses;
    TimePoint expires;
  };
  static constexpr std::size_t kMaxKnown = 1024;
  std::shared_ptr<tls::TlsContext> tls_;
  Duration timeout_;
  balance::Dns dns_;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace yun::http::client
