#pragma once
// Inside Channel: what every call begins and ends with. Not for users.

#include <memory>
#include <mutex>
#include <unordered_map>

#include "yun/http/client/channel.hpp"
#include "yun/rpc/channel.hpp"
#include "yun/rpc/framing.hpp"
#include "yun/rpc/telemetry.hpp"

namespace yun::rpc {

/// Shared with the streams that are open: their last steps may come after the channel has gone.
struct Channel::State : std::enable_shared_from_this<Channel::State> {
  State(std::unique_ptr<http::Channel> opened, ChannelOptions given) : http(std::move(opened)), options(std::move(given)) {}
  const MethodTelemetry& telemetry(const ClientMethod& method);
  /// Head of a request, without the metadata.
  http::Request request(Context& ctx, const ClientMethod& method) const;
  /// How a call of this goes over http.
  http::Channel::Call call() const;

  std::unique_ptr<http::Channel> http;
  ChannelOptions options;

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
/// A transport's error as a call's: resets by the peer become what gRPC calls them.
Error from_transport(Error error, Context& ctx);

}  // namespace yun::rpc
