#pragma once
// Sending a matched request on: as HTTP, or as a gRPC call made of its JSON.

#include <string>
#include <vector>

#include "yun/gateway/snapshot.hpp"

namespace yun::gateway {

/// What both ways need. References live as long as the exchange.
struct Exchange {
  const Snapshot& snapshot;
  const RouteConfig& route;
  const std::vector<std::string>& values;  ///< of the path's parameters, in order
  http::Request& request;
};

/// The upstream's answer, streamed where it streams. Errors: Unavailable (upstream_connect, upstream_reset, no_endpoints),
/// DeadlineExceeded (upstream_timeout).
Task<Result<void>> forward(Context& ctx, Exchange exchange, http::Response& response);

/// JSON -> gRPC -> JSON by the route's binding. Errors: those of the call, with the upstream's code, violations and reason.
Task<Result<void>> transcode(Context& ctx, Exchange exchange, http::Response& response);

/// A copy of a request for an upstream: method, path, end-to-end headers; no body.
http::Request outgoing(Context& ctx, const Exchange& exchange);
/// How it may be tried: as often as the route says, and again after a reset only if the client's request is idempotent.
http::Channel::Call call_of(const Exchange& exchange);

}  // namespace yun::gateway
