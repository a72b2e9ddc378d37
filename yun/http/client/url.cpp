#include "yun/http/client/url.hpp"

#include "yun/base/strings.hpp"
#include "yun/http/codec1/text.hpp"

namespace yun::http {

Result<Url> parse_authority(std::string_view scheme, std::string_view authority) {
  if (!codec1::is_authority(authority)) return invalid_argument("'" + std::string(authority) + "' is not host or host:port");
  Url url;
  url.scheme = scheme;
  const std::uint16_t default_port = scheme == "https" ? 443 : 80;
  url.port = default_port;
  std::string_view host = authority;
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    url.port = static_cast<std::uint16_t>(parse_u64(authority.substr(colon + 1)).value_or(default_port));
    host = authority.substr(0, colon);
  }
  url.authority = to_lower(url.port == default_port ? host : authority);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  url.host = to_lower(host);
  return url;
}

Result<Url> parse_url(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return invalid_argument("a URL holds a space or control byte");
  }
  const auto at = text.find("://");
  const std::string scheme = at == std::string_view::npos ? "" : to_lower(text.substr(0, at));
  if (scheme != "http" && scheme != "https") return invalid_argument("'" + std::string(text) + "' is not an http or https URL");
  std::string_view rest = text.substr(at + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto end = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) return invalid_argument("a URL with user information is not taken");
  YUN_GET(url, parse_authority(scheme, authority));
  if (end == std::string_view::npos) {
    url.target = "/";
  } else {
    url.target = rest[end] == '?' ? "/" + std::string(rest.substr(end)) : std::string(rest.substr(end));
  }
  return std::move(url);
}

}  // namespace yun::http
