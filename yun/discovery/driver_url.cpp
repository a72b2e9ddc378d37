#include "yun/discovery/driver_url.hpp"

#include "yun/base/strings.hpp"

namespace yun::discovery {

namespace {

Result<std::string> decoded(std::string_view text, std::string_view what) {
  auto plain = percent_decode(text);
  if (!plain) return invalid_argument("bad %-encoding of " + std::string(what));
  return std::move(*plain);
}

bool has_port(std::string_view host) { return host.find(':', host.starts_with('[') ? host.find(']') : 0) != std::string_view::npos; }

}  // namespace

Result<DriverUrl> parse_driver_url(std::string_view url, std::uint16_t default_port) {
  DriverUrl parsed;
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return invalid_argument("no scheme");
  parsed.scheme = url.substr(0, scheme_end);
  std::string_view rest = url.substr(scheme_end + 3);
  const auto question = rest.find('?');
  if (question != std::string_view::npos) {
    for (const std::string_view each : split(rest.substr(question + 1), '&')) {
      const auto equals = each.find('=');
      const std::string_view name = each.substr(0, equals);
      YUN_GET(value, decoded(equals == std::string_view::npos ? "" : each.substr(equals + 1), name));
      parsed.parameters.push_back({std::string(name), std::move(value)});
    }
    rest = rest.substr(0, question);
  }
  const auto slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) {
    YUN_GET(path, decoded(rest.substr(slash + 1), "the path"));
    parsed.path = std::move(path);
  }
  while (parsed.path.ends_with('/')) parsed.path.pop_back();
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view account = authority.substr(0, at);
    const auto colon = account.find(':');
    YUN_GET(user, decoded(account.substr(0, colon), "the user"));
    parsed.user = std::move(user);
    if (colon != std::string_view::npos) {
      YUN_GET(password, decoded(account.substr(colon + 1), "the password"));
      parsed.password = std::move(password);
    }
    authority = authority.substr(at + 1);
  }
  for (const std::string_view host : split(authority, ',')) {
    if (host.empty()) return invalid_argument("a host is empty");
    parsed.hosts.push_back(std::string(host) + (has_port(host) ? "" : ":" + std::to_string(default_port)));
  }
  if (parsed.hosts.empty()) return invalid_argument("no host");
  parsed.bare = parsed.scheme + "://" + std::string(authority) + (parsed.path.empty() ? "" : "/" + parsed.path);
  return parsed;
}

Result<Duration> duration_of(const DriverUrl::Parameter& parameter, Duration least) {
  auto duration = parse_duration(parameter.value);
  if (!duration) return invalid_argument(parameter.name + ": " + std::string(duration.error().message()));
  if (*duration < least) return invalid_argument(parameter.name + " is at least " + format_duration(least));
  return *duration;
}

Result<bool> flag_of(const DriverUrl::Parameter& parameter) {
  if (parameter.value != "true" && parameter.value != "false") return invalid_argument(parameter.name + " is true or false, not \"" + parameter.value + "\"");
  return parameter.value == "true";
}

Error unknown_parameter(const DriverUrl::Parameter& parameter, std::span<const std::string_view> known) {
  std::string all;
  for (const std::string_view each : known) all += (all.empty() ? "" : ", ") + std::string(each);
  return invalid_argument("unknown parameter \"" + parameter.name + "\", known: " + all);
}

}  // namespace yun::discovery
