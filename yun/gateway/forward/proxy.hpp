#pragma once
// Sending a matched request on: as HTTP, or as a gRPC call made of its JSON.

#include <memory>
#include <span>
#include <string_view>

#include "yun/gateway/snapshot.hpp"

namespace yun::gateway {

/// What both ways need. References live as long as the exchange.
struct Exchange {
  const Snapshot& snapshot;
  const RouteConfig& route;
  std::span<const std::string_view> values;  ///< of the path's parameters, in order; views of the request's path
  http::Request& request;
};

/// The upstream's answer, streamed where it streams. Errors: Unavailable (upstream_connect, upstream_reset, no_endpoints),
/// DeadlineExceeded (upstream_timeout).
Task<Result<void>> forward(Context& ctx, Exchange exchange, http::Response& response);

/// JSON -> gRPC -> JSON by the route's binding. Errors: those of the call, with the upstream's code, violations and reason.
Task<Result<void>> transcode(Context& ctx, Exchange exchange, http::Response& response);

/// A request for an upstream: method, target, end-to-end headers; no body. Its memory comes from the last one of this thread.
class Outgoing {
 public:
  Outgoing(Context& ctx, const Exchange& exchange);
  ~Outgoing();
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  http::Request& operator*() { return *request_; }
  http::Request* operator->() { return request_.get(); }

 private:
  std::unique_ptr<http::Request> request_;
};
/// How it may be tried: as often as the route says, and again after a reset only if the client's request is idempotent.
http::Channel::Call call_of(const Exchange& exchange);

}  // namespace yun::gateway
