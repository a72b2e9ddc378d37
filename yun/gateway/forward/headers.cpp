#include "yun/gateway/forward/headers.hpp"

#include <algorithm>
#include <array>

#include "yun/base/strings.hpp"

namespace yun::gateway {

namespace {

/// Set by the gateway; a client's are never passed on.
bool is_own(std::string_view name) {
  switch (name.size()) {
    case 9: return name == "x-user-id" || name == "forwarded";
    case 12: return name == "x-request-id";
    case 15: return name == "x-forwarded-for";
    case 16: return name == "x-forwarded-host";
    case 17: return name == "x-forwarded-proto";
    default: return false;
  }
}

/// What Connection lists beside "keep-alive" and "close", in lower case; mostly nothing, which costs nothing.
std::vector<std::string> listed_by_connection(const http::Headers& headers) {
  std::vector<std::string> listed;
  for (const auto field : headers) {
    if (field.name != "connection" || iequals(field.value, "keep-alive") || iequals(field.value, "close")) continue;
    for (std::string_view name : split(field.value, ',')) {
      std::string lower = to_lower(name);
      if (!is_own(lower)) listed.push_back(std::move(lower));
    }
  }
  return listed;
}

bool contains(const std::vector<std::string>& list, std::string_view name) { return std::find(list.begin(), list.end(), name) != list.end(); }

bool is_trusted(const runtime::Address& address, const std::vector<Cidr>& trusted) {
  return std::any_of(trusted.begin(), trusted.end(), [&](const Cidr& range) { return range.contains(address); });
}

/// An address of X-Forwarded-For, with or without a port.
Result<runtime::Address> parse_host(std::string_view text) {
  if (auto with_port = runtime::Address::parse(text); with_port) return with_port;
  const bool bare_v6 = text.find(':') != std::string_view::npos && !text.starts_with('[');
  return runtime::Address::parse((bare_v6 ? "[" + std::string(text) + "]" : std::string(text)) + ":0");
}

}  // namespace

bool is_hop_by_hop(std::string_view name) {
  switch (name.size()) {
    case 2: return name == "te";
    case 6: return name == "expect";
    case 7: return name == "trailer" || name == "upgrade";
    case 10: return name == "connection" || name == "keep-alive";
    case 14: return name == "http2-settings";
    case 16: return name == "proxy-connection";
    case 17: return name == "transfer-encoding";
    default: return false;
  }
}

void keep_end_to_end(http::Headers& headers) {
  const std::vector<std::string> dropped = listed_by_connection(headers);
  headers.keep_if([&](const http::Headers::Field& field) { return !is_hop_by_hop(field.name) && (dropped.empty() || !contains(dropped, field.name)); });
}

std::string client_address(const http::Request& request, const std::vector<Cidr>& trusted) {
  if (!is_trusted(request.peer, trusted)) return request.peer.host();
  const std::string chain = request.headers.joined("x-forwarded-for");
  const auto hops = split(chain, ',');
  std::string client = request.peer.host();
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    auto address = parse_host(*hop);
    if (!address) break;  // what stands before nonsense is not to be believed
    client = address->host();
    if (!is_trusted(*address, trusted)) break;
  }
  return client;
}

void prepare_headers(Context& ctx, const http::Request& from, http::Headers& to, const std::vector<Cidr>& trusted) {
  const std::vector<std::string> dropped = listed_by_connection(from.headers);
  to.assign(from.headers, [&](const http::Headers::Field& field) {
    if (is_hop_by_hop(field.name) || is_own(field.name) || field.name == "host") return false;
    if (field.name == "content-length") return false;  // the body decides
    return dropped.empty() || !contains(dropped, field.name);
  });

  const bool known = is_trusted(from.peer, trusted);
  std::string chain = known ? from.headers.joined("x-forwarded-for") : std::string();
  if (!chain.empty()) chain += ", ";
  chain += from.peer.host();
  to.add_parsed("x-forwarded-for", chain);
  const auto given = [&](std::string_view name, std::string_view otherwise) {
    const auto value = known ? from.headers.get(name) : std::nullopt;
    to.add_parsed(name, value.value_or(otherwise));
  };
  given("x-forwarded-proto", from.tls ? "https" : "http");
  given("x-forwarded-host", from.authority);
  if (!ctx.request_id().empty()) to.add_parsed("x-request-id", ctx.request_id());
  if (!ctx.subject().empty()) to.add_parsed("x-user-id", ctx.subject());
}

}  // namespace yun::gateway
