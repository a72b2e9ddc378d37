#pragma once
// Header fields on their way through: what is dropped, what is set, whose X-Forwarded-* are believed.

#include <string>
#include <string_view>
#include <vector>

#include "yun/gateway/config/config.hpp"
#include "yun/http/message.hpp"

namespace yun::gateway {

/// True for fields that belong to one connection (RFC 9110 7.6.1), whether or not Connection lists them.
bool is_hop_by_hop(std::string_view name);

/// Keeps end-to-end fields only. What Connection lists is dropped too, except fields that the gateway itself sets (nobody strips our identity).
void keep_end_to_end(http::Headers& headers);

/// Who the client is: the peer, or, if the peer is a trusted proxy, the last address of X-Forwarded-For that is not one.
std::string client_address(const http::Request& request, const std::vector<Cidr>& trusted);

/// Fills the request for an upstream: end-to-end fields without the client's X-User-Id, X-Forwarded-For/-Proto/-Host, X-Request-Id,
/// X-User-Id if `ctx` has a subject. An untrusted peer's X-Forwarded-* are replaced, a trusted one's are continued.
void prepare_headers(Context& ctx, const http::Request& from, http::Headers& to, const std::vector<Cidr>& trusted);

}  // namespace yun::gateway
