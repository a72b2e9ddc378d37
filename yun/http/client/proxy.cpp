#include "yun/http/client/proxy.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "yun/base/strings.hpp"
#include "yun/runtime/net.hpp"

namespace yun::http::client {

namespace {

std::string from_env(const char* lower, const char* upper) {
  const char* value = std::getenv(lower);
  if (!value || !*value) value = std::getenv(upper);
  return value ? value : "";
}

std::optional<Url> read_proxy(std::string_view text) {
  if (text.empty()) return std::nullopt;
  auto url = parse_url(text.find("://") == std::string_view::npos ? "http://" + std::string(text) : std::string(text));
  if (!url || url->scheme != "http") return std::nullopt;
  return std::move(*url);
}

struct Bits {
  std::array<unsigned char, 16> bytes{};
  int size = 0;
};
std::optional<Bits> address_bits(const std::string& text) {
  Bits bits;
  if (::inet_pton(AF_INET, text.c_str(), bits.bytes.data()) == 1) {
    bits.size = 32;
  } else if (::inet_pton(AF_INET6, text.c_str(), bits.bytes.data()) == 1) {
    bits.size = 128;
  } else {
    return std::nullopt;
  }
  return bits;
}

bool in_block(const std::string& host, std::string_view block) {
  const auto slash = block.find('/');
  if (slash == std::string_view::npos) return false;
  const auto address = address_bits(host);
  const auto base = address_bits(std::string(block.substr(0, slash)));
  const auto length = parse_u64(block.substr(slash + 1));
  if (!address || !base || !length || address->size != base->size || *length > static_cast<unsigned>(base->size)) return false;
  for (std::size_t bit = 0; bit < *length; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if ((address->bytes[bit / 8] & mask) != (base->bytes[bit / 8] & mask)) return false;
  }
  return true;
}

}  // namespace

ProxyRules ProxyRules::from_environment() {
  return ProxyRules(from_env("http_proxy", "HTTP_PROXY"), from_env("https_proxy", "HTTPS_PROXY"), from_env("no_proxy", "NO_PROXY"));
}

ProxyRules::ProxyRules(std::string_view http_proxy, std::string_view https_proxy, std::string_view no_proxy)
    : http_(read_proxy(http_proxy)), https_(read_proxy(https_proxy)) {
  for (std::string_view item : split(no_proxy, ',')) exempt_.push_back(to_lower(item));
}

std::optional<Url> ProxyRules::proxy_for(const Url& url) const {
  const std::optional<Url>& proxy = url.scheme == "https" ? https_ : http_;
  if (!proxy || is_exempt(url)) return std::nullopt;
  return proxy;
}

bool ProxyRules::is_exempt(const Url& url) const {
  const bool v6 = url.host.find(':') != std::string::npos;
  if (url.host == "localhost" || url.host.ends_with(".localhost")) return true;
  const auto literal = runtime::Address::parse((v6 ? "[" + url.host + "]" : url.host) + ":0");
  if (literal && literal->is_loopback()) return true;
  for (std::string_view rule : exempt_) {
    if (rule == "*") return true;
    if (const auto colon = rule.rfind(':'); colon != std::string_view::npos && rule.find(':') == colon) {
      if (parse_u64(rule.substr(colon + 1)) != url.port) continue;
      rule = rule.substr(0, colon);
    }
    if (rule.starts_with('[') && rule.ends_with(']')) rule = rule.substr(1, rule.size() - 2);
    if (rule.empty()) continue;
    if (rule == url.host || in_block(url.host, rule)) return true;
    const std::string suffix = rule.starts_with('.') ? std::string(rule) : "." + std::string(rule);
    if (url.host.ends_with(suffix)) return true;
  }
  return false;
}

}  // namespace yun::http::client
