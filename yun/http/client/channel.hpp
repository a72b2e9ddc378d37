#pragma once
// Channel: one logical service: its endpoints (a resolver on each loop), the choice among them, and a client's connections to them.
//
//     YUN_GET(users, http::Channel::open(client, "static://127.0.0.1:8081,127.0.0.1:9090"));
//     YUN_TRY(response, co_await users->send(ctx, std::move(request)));
//
// Each answer counts for its endpoint: connect failures, resets, timeouts and 5xx lead to its ejection for a while.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "yun/balance/balancer.hpp"
#include "yun/balance/resolver.hpp"
#include "yun/http/client/client.hpp"
#include "yun/resilience/retry.hpp"

namespace yun::http {

struct ChannelOptions {
  /// HTTP/2 by prior knowledge; else as the client's options say.
  bool http2 = false;
  Duration connect_timeout = std::chrono::seconds(2);
  std::size_t max_connections = 256;  ///< to one endpoint, on each loop, over HTTP/1
  balance::Balancer::Options balance = {};
  /// Makes the resolver of a loop; called on that loop. Unset: balance::open(url). Give discovery::open for the other drivers.
  std::function<Result<std::unique_ptr<balance::Resolver>>()> resolver = {};
  /// Tries at different endpoints when no connection is made, so that nothing was sent; within the retry budget.
  unsigned max_connect_attempts = 3;
  resilience::RetryBudgetOptions retry_budget = {};
};

class Channel {
 public:
  /// `url` as balance::open takes it (or options.resolver's business); https:// speaks TLS. Timeouts, TLS and limits that the options do not name are
  /// `client`'s, which is only read here. InvalidArgument for a bad URL.
  static Result<std::unique_ptr<Channel>> open(const Client& client, std::string_view url, ChannelOptions options);
  static Result<std::unique_ptr<Channel>> open(const Client& client, std::string_view url) { return open(client, url, ChannelOptions{}); }
  /// Any thread; ends watching and connections on every loop.
  ~Channel();

  /// To one endpoint, from any loop. An empty authority becomes the endpoint's. Errors as Client::send; Unavailable with reason no_endpoints.
  /// `key` chooses the endpoint under Policy::ConsistentHash.
  Task<Result<Response>> send(Context& ctx, Request request, std::string key = {});
  /// What this loop knows of the endpoints; for /debug and tests.
  std::vector<balance::Balancer::State> states();
  const std::string& url() const;

 private:
  struct Inner;
  explicit Channel(std::shared_ptr<Inner> inner);
  std::shared_ptr<Inner> inner_;
};

}  // namespace yun::http
