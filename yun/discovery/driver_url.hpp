#pragma once
// The shape that registries' URLs share: scheme://user:password@host:port,host:port/path?name=value&.. Private to the room's drivers.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/base/units.hpp"

namespace yun::discovery {

struct DriverUrl {
  struct Parameter {
    std::string name;
    std::string value;  ///< decoded
  };
  std::string bare;  ///< as given, without user, password and parameters: for messages
  std::string scheme;
  std::string user;
  std::string password;
  std::vector<std::string> hosts;  ///< "host:port", at least one
  std::string path;                ///< decoded; behind the slash that ends the hosts, without one at its own end
  std::vector<Parameter> parameters;
};

/// `default_port` goes behind a host that has none. InvalidArgument that says what is wrong, never the password.
Result<DriverUrl> parse_driver_url(std::string_view url, std::uint16_t default_port);

/// A parameter's value as a duration of at least `least`, or as "true" and "false". InvalidArgument names the parameter.
Result<Duration> duration_of(const DriverUrl::Parameter& parameter, Duration least = Duration::zero());
Result<bool> flag_of(const DriverUrl::Parameter& parameter);
/// The error for a parameter that a driver does not know.
Error unknown_parameter(const DriverUrl::Parameter& parameter, std::span<const std::string_view> known);

}  // namespace yun::discovery
