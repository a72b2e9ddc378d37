// A unary call of a client, with its retries.
#include "yun/rpc/call.hpp"
#include "yun/rpc/channel_state.hpp"
#include "yun/rpc/status.hpp"

namespace yun::rpc::detail {
namespace {

/// One call, all its attempts.
struct Unary {
  Unary(Channel::State& c, const ClientMethod& m, MessageLite& r) : channel(c), method(m), response(r), call(c.call()) { call.idempotent = m.idempotent; }
  Channel::State& channel;
  const ClientMethod& method;
  std::string frame;
  MessageLite& response;
  http::Channel::Call call;
  bool may_repeat = false;  ///< the last attempt left nothing behind
};

void keep_metadata(ClientCall* call, const http::Response& response, bool only_status) {
  if (!call) return;
  call->set_received(Metadata::from(response.headers));
  const http::Headers* trailers = only_status ? &response.headers : response.body.trailers();
  if (trailers) call->set_trailing(Metadata::from(*trailers));
}

Task<Result<void>> read_answer_body(Unary& unary, Context& ctx, ClientCall* call, http::Response& response) {
  AnswerHead head = read_answer(response);
  if (head.status) {
    unary.may_repeat = !*head.status && head.status->error().code() == Code::Unavailable;
    keep_metadata(call, response, true);
    response.body.abandon();
    if (*head.status) co_return internal_error("the server answered OK without a message");
    co_return std::move(*head.status);
  }
  const std::size_t limit = unary.channel.options.max_message;
  auto bytes = co_await response.body.all(ctx, limit + kFrameHead);
  if (!bytes) {
    response.body.abandon();
    unary.may_repeat = unary.method.idempotent && bytes.error().reason() == "upstream_reset";
    if (bytes.error().code() != Code::ResourceExhausted) co_return from_transport(std::move(bytes).error(), ctx);
    co_return resource_exhausted("the answer is over the limit of " + std::to_string(limit) + " bytes").with_reason("message_too_large");
  }
  keep_metadata(call, response, false);
  Result<void> status = read_trailers(response.body);
  if (!status) co_return status;
  FrameReader frames(limit, head.encoding);
  frames.feed_all(*bytes);
  auto message = frames.next();
  if (!message) co_return std::move(message).error();
  if (!*message) co_return internal_error("the answer has no whole message");
  YUN_CHECK(parse(**message, unary.response));
  YUN_CHECK(frames.finish());
  co_return Result<void>();
}

/// The endpoints are tried in turn by the http::Channel while no connection is made. What is left for here: all refuse (a restart), or one said
/// UNAVAILABLE. Both may be better in a moment.
Task<Result<void>> attempts(Unary& unary, Context& ctx, ClientCall* call) {
  http::Channel& channel = *unary.channel.http;
  resilience::Backoff backoff(unary.channel.options.retry);
  http::Request request = unary.channel.request(ctx, unary.method);
  if (call) call->metadata().append_to(request.headers);
  request.body = http::Body(std::move(unary.frame));
  while (true) {
    unary.may_repeat = false;
    http::Response response;
    auto sent = co_await channel.send(ctx, request, response, unary.call);
    const bool was_answered = sent.ok();
    Result<void> result;
    if (was_answered) {
      result = co_await read_answer_body(unary, ctx, call, response);
      if (unary.may_repeat) unary.call.avoid_endpoint();
      unary.call.pick->report(outcome_of(result));
    } else {
      unary.may_repeat = sent.error().reason() == "upstream_connect";
      result = from_transport(std::move(sent).error(), ctx);
    }
    if (result || !unary.may_repeat) co_return result;
    // A failed connect's retry_after is for those who come after this call.
    const auto pause = backoff.next(was_answered ? result.error() : unavailable("no connection"), ctx.remaining());
    if (!pause || !channel.take_retry()) co_return result;
    auto slept = co_await runtime::sleep_for(ctx, *pause);
    if (!slept) co_return result;
  }
}

}  // namespace

Task<Result<void>> unary(Channel& channel, Context& ctx, const ClientMethod& method, const MessageLite& request, MessageLite& response) {
  Channel::State& state = channel.state();
  YUN_CHECK(ctx.check());
  ClientCall* call = client_call(ctx);
  const bool is_shorter = state.options.timeout > Duration::zero();
  Context within(ctx, is_shorter ? Clock::now() + state.options.timeout : TimePoint::max());
  MethodTelemetry::Scope telemetry(state.telemetry(method), within);
  Unary one(state, method, response);
  Result<void> result = append_frame(request, one.frame);
  if (result) {
    if (state.options.compress == Compress::Always && one.frame.size() >= state.options.compress_from) compress_frame(one.frame);
    result = co_await attempts(one, within, call);
  }
  telemetry.end(result);
  co_return result;
}

}  // namespace yun::rpc::detail
