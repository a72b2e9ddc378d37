#pragma once
// An absolute http or https URL as a client takes it (RFC 9110 4.2).

#include <cstdint>
#include <string>
#include <string_view>

#include "yun/base/result.hpp"

namespace yun::http {

struct Url {
  std::string scheme;     ///< "http" or "https"
  std::string host;       ///< lower-case, an IPv6 literal without its brackets
  std::uint16_t port = 0; ///< the scheme's default if none is given
  std::string authority;  ///< as it goes into Host: host, and the port unless it is the default
  std::string target;     ///< path and query, at least "/"; the fragment is dropped
};

/// InvalidArgument for another scheme, user info, a bad host or port, or a control byte or space anywhere.
Result<Url> parse_url(std::string_view text);
/// The host and port of an authority ("[::1]:80", "users"); `default_port` if it names none.
Result<Url> parse_authority(std::string_view scheme, std::string_view authority);

}  // namespace yun::http
