#pragma once
// Channel: one logical service: its endpoints (a resolver on each loop), the choice among them, and a client's connections to them.
//
//     YUN_GET(users, http::Channel::open(client, "static://127.0.0.1:8081,127.0.0.1:9090"));
//     YUN_TRY(response, co_await users->send(ctx, std::move(request)));
//
// Each answer counts for its endpoint: connect failures, resets, timeouts and 5xx lead to its ejection for a while. A try that failed is followed by
// one at another endpoint where that is safe: no connection was made, so that nothing was sent; or, within a budget, the request is idempotent
// (http::is_idempotent), all of it is still here, and the connection broke before the head of its answer, or nothing came for a call's `try_timeout`;
// or the answer is 503 with X-Yun-Reason: starting, of a service that does nothing yet.
//
// rpc::Channel and the gateway's upstreams are made of this.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  /// Tries of one call, the first included.
  unsigned max_attempts = 3;
  resilience::RetryBudgetOptions retry_budget = {};  ///< for all calls on one loop; a try without a connection is not charged to it
};

class Channel {
 public:
  /// `url` as balance::open takes it (or options.resolver's business); https:// speaks TLS. Timeouts, TLS and limits that the options do not name are
  /// `client`'s, whose proxy is not asked. InvalidArgument for a bad URL.
  static Result<std::unique_ptr<Channel>> open(ClientOptions client, std::string_view url, ChannelOptions options);
  static Result<std::unique_ptr<Channel>> open(const Client& client, std::string_view url, ChannelOptions options = ChannelOptions{}) {
    return open(client.options(), url, std::move(options));
  }
  /// Any thread; ends watching and connections on every loop.
  ~Channel();

  /// To one endpoint, from any loop. An empty authority becomes the endpoint's. Errors as Client::send; Unavailable with reason no_endpoints.
  /// `key` chooses the endpoint under Policy::ConsistentHash. A body that streams weighs on its endpoint until it goes.
  Task<Result<Response>> send(Context& ctx, Request request, std::string key = {});

  /// One call: what it says of itself, and then who serves it.
  struct Call {
    std::string_view key = {};       ///< valid until send() returns
    unsigned max_attempts = 0;       ///< 0: the channel's
    bool idempotent = false;         ///< it may be done twice though its method does not say so
    /// A try without the head of its answer after that is given up and another endpoint asked, if there is one and the request may be sent again; else it
    /// goes on to the deadline. Zero: no limit. So an endpoint that has stopped without a word (frozen, its network gone) costs a call this long.
    Duration try_timeout{};
    /// Called before it is sent again: what must be said anew, such as how long the caller still waits.
    void (*refresh)(Context& ctx, Request& request) = nullptr;

    /// Who answered, for the caller to report; holds its weight until it goes. Reported already when send() gave an error.
    std::optional<balance::Balancer::Pick> pick = {};
    unsigned attempts = 0;
    std::vector<runtime::Address> failed = {};  ///< avoided, while there are others

    /// Before the pick is reported: if this is sent again, then to another endpoint.
    void avoid_endpoint();
  };
  /// The same for callers that judge the answer themselves: call.pick->report(..), or report_head(..) if its body streams. It goes into `response`, which
  /// is empty (its memory is used again), and after an error is again. The request stays here, so that a caller may send it again with the same call; it
  /// asks take_retry() before.
  Task<Result<void>> send(Context& ctx, Request& request, Response& response, Call& call);
  /// Takes one retry from this loop's budget; false if it is used up.
  bool take_retry();

  /// What this loop knows of the endpoints; for /debug and tests.
  std::vector<balance::Balancer::State> states();
  const std::string& url() const;

 private:
  struct Inner;
  explicit Channel(std::shared_ptr<Inner> inner);
  std::shared_ptr<Inner> inner_;
};

/// What an answer says of its endpoint: 5xx is a failure, but for 501 (it does not know the method: the caller's fault).
balance::Outcome outcome_of(const Response& response);
/// What the lack of an answer says.
balance::Outcome outcome_of(const Error& error);

}  // namespace yun::http
