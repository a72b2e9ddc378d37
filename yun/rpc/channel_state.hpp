#pragma once
// Inside Channel: endpoints on each loop, and what every call begins and ends with. Not for users.

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "yun/http/client/per_loop.hpp"
#include "yun/rpc/channel.hpp"
#include "yun/rpc/framing.hpp"
#include "yun/rpc/telemetry.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::rpc {

/// One loop's view of the target.
struct Endpoints {
  Endpoints(std::unique_ptr<balance::Resolver> r, const ChannelOptions& options) : resolver(std::move(r)), balancer(options.balance), budget(options.retry_budget) {}
  /// For PerLoop: on its loop, once.
  void close() { stop.cancel(); }
  /// Keeps the balancer up to date until close().
  static Task<void> watch(std::shared_ptr<Endpoints> self);
  /// Waits for the first answer of the resolver, then picks.
  Task<Result<balance::Balancer::Pick>> pick(Context& ctx, const std::vector<runtime::Address>& avoid);

  std::unique_ptr<balance::Resolver> resolver;
  balance::Balancer balancer;
  resilience::RetryBudget budget;
  runtime::Event known;
  std::optional<Error> failure;  ///< of the last look-up, while none has ever succeeded
  Context stop;
};

struct Channel::State {
  State(std::string t, ChannelOptions o);
  Result<std::shared_ptr<Endpoints>> endpoints();
  const MethodTelemetry& telemetry(const ClientMethod& method);
  /// Head of a request to `endpoint`, without the metadata.
  http::Request request(Context& ctx, const ClientMethod& method, const balance::Endpoint& endpoint) const;

  std::string target;
  std::string scheme;
  ChannelOptions options;
  http::Client client;
  http::client::PerLoop<Endpoints> per_loop;

 private:
  std::mutex mutex_;
  std::unordered_map<std::string_view, std::unique_ptr<MethodTelemetry>> telemetry_;  ///< by path, which is static in generated code
};

/// What the head of an answer says.
struct AnswerHead {
  /// Set: the call is over with this (a status instead of an answer, or no gRPC at all).
  std::optional<Result<void>> status;
  Encoding encoding = Encoding::Identity;
};
AnswerHead read_answer(const http::Response& response);
/// The status behind the last message; Internal if there is none.
Result<void> read_trailers(const http::Body& body);
/// How an outcome counts for its endpoint.
balance::Outcome outcome_of(const Result<void>& result);
/// A transport's error as a call's: resets by the peer become what gRPC calls them.
Error from_transport(Error error, Context& ctx);

}  // namespace yun::rpc
