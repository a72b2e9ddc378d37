#include "yun/config/mask.hpp"

#include "yun/base/strings.hpp"

namespace yun::config {
namespace {

/// By its last words: "db.password", "api_key", "headers" (OTLP's and Loki's carry tokens). "tls.key" is a file's name.
bool is_secret(std::string_view name) {
  const std::string lower = to_lower(name);
  for (const std::string_view word : {"password", "passwd", "secret", "token", "credential", "credentials", "api_key", "apikey", "authorization", "private_key"})
    if (lower.find(word) != std::string::npos && !lower.ends_with("_file")) return true;
  return lower == "pw" || lower.ends_with(".pw") || lower.ends_with("headers");
}

/// The user part of the URL that begins at `at`: its end, and where its password begins; npos if it has none.
std::size_t password_of(std::string_view text, std::size_t at, std::size_t& end) {
  const std::size_t stop = std::min(text.find_first_of("/?#,", at), text.size());
  end = text.substr(0, stop).rfind('@');
  if (end == std::string_view::npos || end < at) return std::string_view::npos;
  const std::size_t colon = text.find(':', at);
  return colon < end ? colon + 1 : std::string_view::npos;
}

std::string without_passwords(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    std::size_t end = 0;
    const std::size_t password = password_of(text, at + 3, end);
    if (password == std::string_view::npos || password < done) continue;
    out.append(text.substr(done, password - done)).append(kMask);
    done = end;
  }
  return out.append(text.substr(done));
}

std::string without_secret_parameters(std::string_view text) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find_first_of("?&"); at != std::string_view::npos; at = text.find_first_of("?&", at + 1)) {
    const std::size_t equals = text.find_first_of("=&", at + 1);
    if (equals == std::string_view::npos || text[equals] != '=' || !is_secret(text.substr(at + 1, equals - at - 1))) continue;
    out.append(text.substr(done, equals + 1 - done)).append(kMask);
    done = std::min(text.find_first_of("&#,", equals), text.size());
  }
  return out.append(text.substr(done));
}

}  // namespace

std::string masked(std::string_view name, std::string_view value) {
  if (value.empty()) return {};
  if (is_secret(name)) return std::string(kMask);
  if (value.find("://") == std::string_view::npos) return std::string(value);
  return without_secret_parameters(without_passwords(value));
}

}  // namespace yun::config
