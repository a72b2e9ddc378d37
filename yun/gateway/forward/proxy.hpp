#pragma once
// Sending a matched request on: as HTTP, or as a gRPC call made of its JSON.

#include <memory>
#include <string_view>

#include "yun/gateway/snapshot.hpp"

namespace yun::gateway {

/// What both ways need. References live as long as the exchange.
struct Exchange {
  const Snapshot& snapshot;
  const RouteConfig& route;
  http::Request& request;
};

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

/// A request on its way as HTTP, and its answer, streamed where it streams; in the frame of whoever awaits it:
///
///     Forward on(ctx, exchange, response);
///     auto sent = co_await on.send();
///     auto done = on.finish(std::move(sent));
///
/// Errors: Unavailable (upstream_connect, upstream_reset, no_endpoints), DeadlineExceeded (upstream_timeout).
class Forward {
 public:
  /// All live as long as this.
  Forward(Context& ctx, const Exchange& exchange, http::Response& response);
  Task<Result<void>> send();
  Result<void> finish(Result<void> sent);

 private:
  Context& ctx_;
  const Exchange& exchange_;
  http::Response& response_;
  http::Channel& channel_;
  bool is_grpc_;
  Outgoing to_;
  http::Channel::Call call_;
};

}  // namespace yun::gateway
