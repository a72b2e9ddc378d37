#include "yun/cache/redis/options.hpp"

#include <array>

#include "yun/base/strings.hpp"
#include "yun/tls/context.hpp"

namespace yun::cache::redis {

namespace {

constexpr unsigned kMostConnections = 64;
constexpr std::array<std::string_view, 6> kParameters = {"connections", "timeout", "connect_timeout", "prefix", "memory", "ca"};

Error wrong(std::string what) { return invalid_argument("redis url: " + std::move(what)); }

Result<std::string> decoded(std::string_view text, std::string_view what) {
  auto plain = percent_decode(text);
  if (!plain) return wrong(std::string(what) + " has a bad percent escape");
  return *std::move(plain);
}

Result<void> read_user(std::string_view text, Options& options) {
  const auto colon = text.find(':');
  YUN_GET(user, decoded(text.substr(0, colon), "user"));
  options.user = user;
  if (colon == std::string_view::npos) {
    if (!user.empty()) return wrong("user \"" + user + "\" without a password; write user:password@host, or :password@host for the default user");
    return {};
  }
  YUN_GET(password, decoded(text.substr(colon + 1), "password"));
  if (password.empty()) return wrong("the password is empty");
  options.password = password;
  return {};
}

Result<void> read_authority(std::string_view text, Options& options) {
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    auto read = read_user(text.substr(0, at), options);
    if (!read) return read;
    text.remove_prefix(at + 1);
  }
  std::string_view host = text;
  const auto bracket = text.rfind(']');
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = parse_u64(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return wrong("\"" + std::string(text.substr(colon + 1)) + "\" is not a port");
    options.port = static_cast<std::uint16_t>(*port);
    host = text.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return wrong("no host; write redis://host:6379/0");
  if (host.find_first_of(" []/@?#") != std::string_view::npos) return wrong("\"" + std::string(host) + "\" is not a host");
  options.host = host;
  return {};
}

Result<void> read_duration(std::string_view text, std::string_view name, Duration& into) {
  auto duration = parse_duration(text);
  if (!duration || *duration <= Duration(0)) return wrong(std::string(name) + "=" + std::string(text) + " is not a duration above zero; write " + std::string(name) + "=100ms");
  into = *duration;
  return {};
}

Result<void> read_parameter(std::string_view text, Options& options, std::string& ca_file) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  YUN_GET(value, decoded(equals == std::string_view::npos ? "" : text.substr(equals + 1), name));
  if (name == "timeout") {
    auto read = read_duration(value, name, options.timeout);
    options.stall = options.timeout;
    options.silence = std::max(options.silence, 2 * options.timeout);
    return read;
  }
  if (name == "connect_timeout") return read_duration(value, name, options.connect_timeout);
  if (name == "connections") {
    const auto count = parse_u64(value);
    if (!count || *count == 0 || *count > kMostConnections) return wrong("connections=" + value + " is not between 1 and " + std::to_string(kMostConnections));
    options.connections = static_cast<unsigned>(*count);
  } else if (name == "prefix") {
    options.prefix = value;
  } else if (name == "ca") {
    ca_file = value;
  } else if (name == "memory") {
    auto size = parse_size(value);
    if (!size || size->bytes < 64_KiB) return wrong("memory=" + value + " is not a size of at least 64KiB");
    options.memory = *size;
  } else {
    const auto meant = nearest(name, kParameters);
    return wrong("there is no parameter \"" + std::string(name) + "\"; " + (meant ? "did you mean \"" + std::string(*meant) + "\"?" :
                 "known: connections, timeout, connect_timeout, prefix, memory, ca"));
  }
  return {};
}

}  // namespace

std::string Options::where() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

Result<Options> parse_url(std::string_view url, Options defaults) {
  Options options = std::move(defaults);
  const bool secure = url.starts_with("rediss://");
  std::string ca_file;
  if (secure) {
    url.remove_prefix(9);
  } else if (url.starts_with("redis://")) {
    url.remove_prefix(8);
  } else {
    return wrong("it begins with neither redis:// nor rediss://");
  }
  if (url.find('#') != std::string_view::npos) return wrong("it has a \"#\"; in a password write %23");
  const auto question = url.find('?');
  std::string_view authority = url.substr(0, question);
  std::string_view path;
  // The last '@' first: what is before it may have a '/' that somebody forgot to encode, which must not end in a message.
  const auto at = authority.rfind('@');
  const auto slash = authority.find('/', at == std::string_view::npos ? 0 : at);
  if (slash != std::string_view::npos) {
    path = authority.substr(slash + 1);
    authority = authority.substr(0, slash);
  }
  if (auto read = read_authority(authority, options); !read) return std::move(read).error();
  if (!path.empty()) {
    const auto database = parse_u64(path);
    if (!database || *database > 1'000'000) return wrong("\"" + std::string(path) + "\" is not a database's number");
    options.database = static_cast<unsigned>(*database);
  }
  if (question != std::string_view::npos) {
    for (const std::string_view parameter : split(url.substr(question + 1), '&')) {
      if (auto read = read_parameter(parameter, options, ca_file); !read) return std::move(read).error();
    }
  }
  if (!secure && !ca_file.empty()) return wrong("ca is for rediss:// only");
  if (secure) {
    auto context = tls::TlsContext::client({.ca_file = ca_file, .alpn = {}});
    if (!context) return wrong(context.error().message());
    options.tls = *std::move(context);
  }
  return options;
}

}  // namespace yun::cache::redis
