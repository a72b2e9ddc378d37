#include "yun/telemetry/logs/url.hpp"

#include <algorithm>

#include "yun/base/strings.hpp"

namespace yun::telemetry::logs {
namespace {

Result<std::string> decoded(std::string_view text) {
  auto plain = percent_decode(text);
  if (!plain) return invalid_argument("a bad %-escape in the URL of a log sink");
  return *std::move(plain);
}

Result<void> read_authority(std::string_view text, Url& url) {
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = text.substr(0, at);
    const std::size_t colon = std::min(user.find(':'), user.size());
    YUN_GET(name, decoded(user.substr(0, colon)));
    YUN_GET(password, decoded(user.substr(std::min(colon + 1, user.size()))));
    url.user = std::move(name), url.password = std::move(password);
    text.remove_prefix(at + 1);
  }
  std::size_t end = std::min(text.find(':'), text.size());
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return invalid_argument("a log sink's host begins with [ and has no ]");
    url.host = text.substr(1, bracket - 1);
    end = bracket + 1;
  } else {
    url.host = text.substr(0, end);
  }
  if (url.host.empty()) return invalid_argument("a log sink needs a host");
  if (end == text.size()) return {};
  const auto port = text[end] == ':' ? parse_u64(text.substr(end + 1)) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) return invalid_argument("a log sink's port is a number from 1 to 65535");
  url.port = static_cast<std::uint16_t>(*port);
  return {};
}

}  // namespace

std::string Url::host_and_port(std::uint16_t otherwise) const {
  const std::string number = std::to_string(port ? port : otherwise);
  return host.find(':') == std::string::npos ? host + ":" + number : "[" + host + "]:" + number;
}

std::string_view Url::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

Result<Url> parse_url(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return invalid_argument("a log sink is a URL: loki://host:3100, fluentd://host:24224");
  Url url;
  url.scheme = text.substr(0, colon);
  text.remove_prefix(colon + 3);
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  if (auto read = read_authority(text.substr(0, end), url); !read) return std::move(read).error();
  text.remove_prefix(end);
  if (text.starts_with('/')) text.remove_prefix(1);
  if (text.empty()) return url;
  if (!text.starts_with('?')) return invalid_argument("a log sink's URL has no path");
  for (const std::string_view part : split(text.substr(1), '&')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) return invalid_argument("\"" + std::string(part) + "\" in a log sink's URL is not name=value");
    YUN_GET(name, decoded(part.substr(0, equals)));
    YUN_GET(value, decoded(part.substr(equals + 1)));
    url.parameters.emplace_back(std::move(name), std::move(value));
  }
  return url;
}

}  // namespace yun::telemetry::logs
