#pragma once
// What generated stubs are made of: the objects a client's streaming calls give.
//
//     auto stream = co_await stub.bidi_hello(ctx);              // Result<BidiStream<HelloRequest, HelloReply>>
//     YUN_CHECK(co_await stream->write(ctx, request));
//     auto reply = co_await stream->read(ctx);                  // Result<std::optional<HelloReply>>, nullopt after an OK status
//     YUN_CHECK(co_await stream->writes_done(ctx));
//
// Letting a stream go before its end cancels the call. The Context it was opened with must outlive it.

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "yun/base/result.hpp"
#include "yun/rpc/service.hpp"
#include "yun/runtime/task.hpp"

namespace yun::rpc {

class Channel;

/// A method as a client calls it; static in generated code.
struct ClientMethod {
  std::string_view service;  ///< "shop.v1.UserService"
  std::string_view name;     ///< "GetUser"
  std::string_view path;     ///< "/shop.v1.UserService/GetUser"
  Kind kind = Kind::Unary;
  /// The .proto says NO_SIDE_EFFECTS or IDEMPOTENT (option idempotency_level): a unary call whose connection breaks goes to another endpoint.
  bool idempotent = false;
};

/// A call in progress, untyped. One task may write while another reads.
class CallStream : public MessageReader, public MessageWriter {
 public:
  /// No more messages go out.
  virtual Task<Result<void>> writes_done(Context& ctx) = 0;
  /// Ends the call at once; a pending read gives Cancelled.
  virtual void cancel() = 0;
};

/// For generated code.
namespace detail {
Task<Result<void>> unary(Channel& channel, Context& ctx, const ClientMethod& method, const MessageLite& request, MessageLite& response);
/// `request`: the only message of a server-streaming call (then writes are done), else null.
Task<Result<std::unique_ptr<CallStream>>> open(Channel& channel, Context& ctx, const ClientMethod& method, const MessageLite* request);

template <typename Out>
Task<Result<std::optional<Out>>> read(CallStream& stream, Context& ctx) {
  std::optional<Out> message(std::in_place);
  auto got = co_await stream.read(ctx, *message);
  if (!got) co_return std::move(got).error();
  if (!*got) message.reset();
  co_return Result<std::optional<Out>>(std::move(message));
}
}  // namespace detail

/// The answers of a server-streaming call.
template <typename Out>
class ServerStream {
 public:
  explicit ServerStream(std::unique_ptr<CallStream> call) : call_(std::move(call)) {}
  /// The next message; nullopt when the server ended with OK, its status as an Error otherwise.
  Task<Result<std::optional<Out>>> read(Context& ctx) { return detail::read<Out>(*call_, ctx); }
  void cancel() { call_->cancel(); }

 private:
  std::unique_ptr<CallStream> call_;
};

/// A client-streaming call.
template <typename In, typename Out>
class ClientStream {
 public:
  explicit ClientStream(std::unique_ptr<CallStream> call) : call_(std::move(call)) {}
  /// An error here says only that the call is over; finish() tells why.
  Task<Result<void>> write(Context& ctx, const In& message) { return call_->write(ctx, message); }
  /// No more writes: the answer.
  Task<Result<Out>> finish(Context& ctx) { return finish(*call_, ctx); }
  void cancel() { call_->cancel(); }

 private:
  static Task<Result<Out>> finish(CallStream& call, Context& ctx) {
    (void)co_await call.writes_done(ctx);  // if the call is over already, read() says how it ended
    Out answer;
    auto got = co_await call.read(ctx, answer);
    if (!got) co_return std::move(got).error();
    if (!*got) co_return internal_error("the server ended the call without an answer");
    Out extra;
    auto end = co_await call.read(ctx, extra);
    if (!end) co_return std::move(end).error();
    if (*end) co_return internal_error("the server sent more than one answer");
    co_return Result<Out>(std::move(answer));
  }
  std::unique_ptr<CallStream> call_;
};

/// A bidirectional call.
template <typename In, typename Out>
class BidiStream {
 public:
  explicit BidiStream(std::unique_ptr<CallStream> call) : call_(std::move(call)) {}
  Task<Result<void>> write(Context& ctx, const In& message) { return call_->write(ctx, message); }
  Task<Result<void>> writes_done(Context& ctx) { return call_->writes_done(ctx); }
  /// The next message; nullopt when the server ended with OK, its status as an Error otherwise.
  Task<Result<std::optional<Out>>> read(Context& ctx) { return detail::read<Out>(*call_, ctx); }
  void cancel() { call_->cancel(); }

 private:
  std::unique_ptr<CallStream> call_;
};

namespace detail {

template <typename Out>
Task<Result<Out>> call_unary(Channel& channel, Context& ctx, const ClientMethod& method, const MessageLite& request) {
  Out response;
  auto done = co_await unary(channel, ctx, method, request, response);
  if (!done) co_return std::move(done).error();
  co_return Result<Out>(std::move(response));
}

template <typename Out>
Task<Result<ServerStream<Out>>> open_server_stream(Channel& channel, Context& ctx, const ClientMethod& method, const MessageLite& request) {
  auto call = co_await open(channel, ctx, method, &request);
  if (!call) co_return std::move(call).error();
  co_return ServerStream<Out>(std::move(*call));
}

template <typename In, typename Out>
Task<Result<ClientStream<In, Out>>> open_client_stream(Channel& channel, Context& ctx, const ClientMethod& method) {
  auto call = co_await open(channel, ctx, method, nullptr);
  if (!call) co_return std::move(call).error();
  co_return ClientStream<In, Out>(std::move(*call));
}

template <typename In, typename Out>
Task<Result<BidiStream<In, Out>>> open_bidi_stream(Channel& channel, Context& ctx, const ClientMethod& method) {
  auto call = co_await open(channel, ctx, method, nullptr);
  if (!call) co_return std::move(call).error();
  co_return BidiStream<In, Out>(std::move(*call));
}

}  // namespace detail
}  // namespace yun::rpc
