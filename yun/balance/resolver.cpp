#include "yun/balance/resolver.hpp"

#include "yun/balance/dns.hpp"
#include "yun/balance/dns_resolver.hpp"
#include "yun/base/strings.hpp"

namespace yun::balance {

StaticResolver::StaticResolver(std::vector<Endpoint> endpoints, std::string name)
    : set_{1, std::move(endpoints)}, name_(std::move(name)) {}

Task<Result<EndpointSet>> StaticResolver::resolve(Context&) {
  if (set_.endpoints.empty()) co_return unavailable(name_ + " has no endpoints").with_reason("no_endpoints");
  co_return set_;
}

Task<Result<EndpointSet>> StaticResolver::next(Context& ctx, std::uint64_t revision) {
  while (set_.revision == revision) {
    changed_.reset();
    YUN_CHECK(co_await changed_.wait(ctx));
  }
  co_return set_;
}

void StaticResolver::set(std::vector<Endpoint> endpoints) {
  if (endpoints == set_.endpoints) return;
  set_.endpoints = std::move(endpoints);
  ++set_.revision;
  changed_.set();
}

namespace {

struct Parts {
  std::string_view rest;
  std::string authority;
  std::string server;
};

Result<Parts> split_query(std::string_view url, std::string_view text) {
  Parts parts;
  const auto mark = text.find('?');
  parts.rest = text.substr(0, mark);
  while (parts.rest.ends_with('/') && !parts.rest.starts_with("unix:")) parts.rest.remove_suffix(1);
  if (mark == std::string_view::npos) return parts;
  for (std::string_view pair : split(text.substr(mark + 1), '&')) {
    const auto equals = pair.find('=');
    const auto key = pair.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    if (key == "authority") {
      parts.authority = value;
    } else if (key == "server") {
      parts.server = value;
    } else {
      return invalid_argument("'" + std::string(url) + "': unknown option '" + std::string(key) + "'");
    }
  }
  return parts;
}

Result<std::unique_ptr<Resolver>> open_static(std::string_view url, const Parts& parts) {
  std::vector<Endpoint> endpoints;
  for (std::string_view item : split(parts.rest, ',')) {
    Endpoint endpoint;
    if (const auto star = item.rfind('*'); star != std::string_view::npos) {
      const auto weight = parse_u64(item.substr(star + 1));
      if (!weight || *weight == 0 || *weight > 10000)
        return invalid_argument("'" + std::string(url) + "': the weight of '" + std::string(item) + "' is not 1..10000");
      endpoint.weight = static_cast<unsigned>(*weight);
      item = item.substr(0, star);
    }
    auto address = runtime::Address::parse(item);
    if (!address) return std::move(address).error().with_context("'" + std::string(url) + "'");
    if (!address->is_unix() && address->port() == 0)
      return invalid_argument("'" + std::string(url) + "': '" + std::string(item) + "' needs a port");
    endpoint.address = *address;
    endpoint.authority = !parts.authority.empty() ? parts.authority : address->is_unix() ? "localhost" : std::string(item);
    endpoints.push_back(std::move(endpoint));
  }
  if (endpoints.empty()) return invalid_argument("'" + std::string(url) + "' names no endpoint");
  return std::unique_ptr<Resolver>(std::make_unique<StaticResolver>(std::move(endpoints), std::string(url)));
}

Result<std::unique_ptr<Resolver>> open_dns(std::string_view url, const Parts& parts, std::uint16_t default_port) {
  DnsResolver::Options options;
  options.name = std::string(url);
  options.dns.server = parts.server;
  options.authority = parts.authority;
  options.host = std::string(parts.rest);
  options.port = default_port;
  const auto colon = parts.rest.rfind(':');
  if (colon != std::string_view::npos) {
    const auto port = parse_u64(parts.rest.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return invalid_argument("'" + std::string(url) + "' has a bad port");
    options.port = static_cast<std::uint16_t>(*port);
    options.host = std::string(parts.rest.substr(0, colon));
  }
  options.srv = options.host.starts_with("_");
  if (options.host.empty()) return invalid_argument("'" + std::string(url) + "' names no host");
  if (options.host.find_first_of("/@[]: ") != std::string::npos)
    return invalid_argument("'" + std::string(url) + "': '" + options.host + "' is not a host name");
  if (options.port == 0 && !options.srv) return invalid_argument("'" + std::string(url) + "' needs a port");
  return std::unique_ptr<Resolver>(std::make_unique<DnsResolver>(std::move(options)));
}

Result<std::unique_ptr<Resolver>> open_web(std::string_view url, Parts parts, std::uint16_t default_port) {
  if (const auto slash = parts.rest.find('/'); slash != std::string_view::npos)
    return invalid_argument("'" + std::string(url) + "': a service has no path");
  std::string text(parts.rest);
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || (bracket != std::string::npos && colon < bracket)) text += ":" + std::to_string(default_port);
  if (parts.authority.empty()) parts.authority = std::string(parts.rest);
  if (runtime::Address::parse(text)) {
    parts.rest = text;
    return open_static(url, parts);
  }
  return open_dns(url, parts, default_port);
}

}  // namespace

Result<std::unique_ptr<Resolver>> open(std::string_view url) {
  const auto at = url.find("://");
  if (at == std::string_view::npos)
    return invalid_argument("'" + std::string(url) + "' is not a service URL such as static://127.0.0.1:8080 or dns://users:8080");
  const auto scheme = url.substr(0, at);
  YUN_GET(parts, split_query(url, url.substr(at + 3)));
  if (scheme == "static") return open_static(url, parts);
  if (scheme == "dns") return open_dns(url, parts, 0);
  if (scheme == "http") return open_web(url, parts, 80);
  if (scheme == "https") return open_web(url, parts, 443);
  return invalid_argument("'" + std::string(url) + "': no resolver for '" + std::string(scheme) + "://' (static, dns, http, https)");
}

}  // namespace yun::balance
