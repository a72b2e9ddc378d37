#include "yun/base/strings.hpp"
#include "yun/sql/mysql.hpp"

namespace yun::sql {

namespace {

Error wrong(std::string_view what) {
  return invalid_argument("mysql url: " + std::string(what) + "; write mysql://user:password@host:3306/database");
}

Result<std::string> decoded(std::string_view text, std::string_view what) {
  auto plain = percent_decode(text);
  if (!plain || plain->find('\0') != std::string::npos) return wrong("bad %-encoding in the " + std::string(what));
  return *std::move(plain);
}

Result<void> read_parameter(MysqlTarget& target, std::string_view text) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  YUN_GET(value, decoded(equals == std::string_view::npos ? "" : text.substr(equals + 1), name));
  if (name == "tls") {
    if (value == "off") {
      target.tls = MysqlTarget::Tls::Off;
    } else if (value == "required") {
      target.tls = MysqlTarget::Tls::Required;
    } else if (value == "verify") {
      target.tls = MysqlTarget::Tls::Verify;
    } else {
      return wrong("tls is off, required or verify, not \"" + value + "\"");
    }
  } else if (name == "ca") {
    target.ca = std::move(value);
  } else if (name == "socket") {
    target.socket = std::move(value);
  } else if (name == "idle_transaction") {
    YUN_GET(limit, parse_duration(value));
    if (limit < std::chrono::seconds(1) || limit % std::chrono::seconds(1) != Duration::zero()) return wrong("idle_transaction is one second or more, whole ones");
    target.idle_transaction = std::chrono::duration_cast<std::chrono::seconds>(limit);
  } else {
    return wrong("unknown parameter \"" + std::string(name) + "\", known: tls, ca, socket, idle_transaction");
  }
  return {};
}

Result<void> read_address(MysqlTarget& target, std::string_view text) {
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  if (text.starts_with('[') && bracket == std::string_view::npos) return wrong("no ] behind the IPv6 address");
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = text.substr(0, colon);
  target.host = bracket == std::string_view::npos ? host : text.substr(1, bracket - 1);
  if (colon == std::string_view::npos) return {};
  const auto port = parse_u64(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return wrong("the port is a number from 1 to 65535");
  target.port = static_cast<std::uint16_t>(*port);
  return {};
}

}  // namespace

Result<MysqlTarget> parse_mysql_url(std::string_view rest) {
  MysqlTarget target;
  if (const auto question = rest.find('?'); question != std::string_view::npos) {
    for (const std::string_view each : split(rest.substr(question + 1), '&')) {
      if (auto read = read_parameter(target, each); !read) return std::move(read).error();
    }
    rest = rest.substr(0, question);
  }
  // The last '@': a password that has one unencoded is read as it was meant.
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view account = rest.substr(0, at);
    const auto colon = account.find(':');
    YUN_GET(user, decoded(account.substr(0, colon), "user"));
    YUN_GET(password, decoded(colon == std::string_view::npos ? "" : account.substr(colon + 1), "password"));
    target.user = std::move(user);
    target.password = std::move(password);
    rest = rest.substr(at + 1);
  }
  const auto slash = rest.find('/');
  if (auto read = read_address(target, rest.substr(0, slash)); !read) return std::move(read).error();
  YUN_GET(database, decoded(slash == std::string_view::npos ? "" : rest.substr(slash + 1), "database"));
  target.database = std::move(database);
  if (target.host.empty() && target.socket.empty()) return wrong("no host");
  if (target.user.empty()) return wrong("no user");
  if (target.database.empty()) return wrong("no database");
  return target;
}

}  // namespace yun::sql
