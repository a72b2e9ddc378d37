#pragma once
// The URL of a log sink: scheme://[user:password@]host[:port][/][?name=value&..].

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yun/base/result.hpp"

namespace yun::telemetry::logs {

struct Url {
  std::string scheme, user, password;
  std::string host;         ///< an IPv6 literal without its brackets
  std::uint16_t port = 0;   ///< 0 = none given
  std::vector<std::pair<std::string, std::string>> parameters;  ///< in their order, decoded

  /// "127.0.0.1:3100", "[::1]:3100".
  std::string host_and_port(std::uint16_t otherwise) const;
  /// The parameter's value; "" if there is none.
  std::string_view parameter(std::string_view name) const;
};

/// InvalidArgument that says what is wrong, without the password.
Result<Url> parse_url(std::string_view text);

}  // namespace yun::telemetry::logs
