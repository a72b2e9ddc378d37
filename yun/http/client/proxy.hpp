#pragma once
// Which proxy a request goes through, by the environment as curl and Go read it: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, lower case first.

#include <optional>
#include <string>
#include <vector>

#include "yun/http/client/url.hpp"

namespace yun::http::client {

class ProxyRules {
 public:
  /// Reads the environment. A proxy that is no http:// URL (or host:port) is left out.
  static ProxyRules from_environment();
  /// `no_proxy`: "*", or names ("example.com" also covers its subdomains, ".example.com" only these), addresses, CIDR blocks, each with an optional port.
  ProxyRules(std::string_view http_proxy, std::string_view https_proxy, std::string_view no_proxy);
  ProxyRules() = default;

  /// The proxy for `url`; nullopt to go straight. Loopback and localhost always go straight.
  std::optional<Url> proxy_for(const Url& url) const;

 private:
  bool is_exempt(const Url& url) const;
  std::optional<Url> http_;
  std::optional<Url> https_;
  std::vector<std::string> exempt_;
};

}  // namespace yun::http::client
