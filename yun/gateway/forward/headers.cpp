#include "yun/gateway/forward/headers.hpp"

#include <algorithm>
#include <array>

#include "yun/base/strings.hpp"

namespace yun::gateway {

namespace {

constexpr std::array<std::string_view, 9> kHopByHop = {"connection",          "keep-alive", "proxy-connection", "te",     "trailer",
                                                       "transfer-encoding",   "upgrade",    "http2-settings",   "expect"};
/// Set by the gateway; a client's are never passed on.
constexpr std::array<std::string_view, 6> kOwn = {"x-user-id", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

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

bool is_hop_by_hop(std::string_view name) { return contains(kHopByHop, name); }

void copy_end_to_end(const http::Headers& from, http::Headers& to) {
  const std::string listed = from.joined("connection");
  std::vector<std::string> dropped;
  for (std::string_view name : split(listed, ',')) {
    std::string lower = to_lower(name);
    if (!contains(kOwn, lower)) dropped.push_back(std::move(lower));
  }
  for (const auto field : from) {
    if (is_hop_by_hop(field.name) || contains(dropped, field.name)) continue;
    to.add(field.name, field.value);
  }
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
  copy_end_to_end(from.headers, to);
  for (std::string_view name : kOwn) to.remove(name);
  to.remove("host");
  to.remove("content-length");  // the body decides

  const bool known = is_trusted(from.peer, trusted);
  std::string chain = known ? from.headers.joined("x-forwarded-for") : std::string();
  if (!chain.empty()) chain += ", ";
  chain += from.peer.host();
  to.set("x-forwarded-for", chain);
  const auto given = [&](std::string_view name, std::string_view otherwise) {
    const auto value = known ? from.headers.get(name) : std::nullopt;
    to.set(name, std::string(value.value_or(otherwise)));
  };
  given("x-forwarded-proto", from.tls ? "https" : "http");
  given("x-forwarded-host", from.authority);
  if (!ctx.request_id().empty()) to.set("x-request-id", ctx.request_id());
  if (!ctx.subject().empty()) to.set("x-user-id", ctx.subject());
}

}  // namespace yun::gateway
