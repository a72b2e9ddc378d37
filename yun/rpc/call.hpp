#pragma once
// What a call knows besides its messages: metadata both ways. It IS the Context the method is given:
//
//     Task<Result<User>> get_user(Context& ctx, const GetUserRequest& request) override {
//       rpc::ServerCall* call = rpc::server_call(ctx);                  // null when called without gRPC, as in a unit test
//       if (call) YUN_CHECK(call->trailing_metadata().add("x-cost", "3"));
//
//     rpc::ClientCall call(ctx);                                        // for a stub: a Context with metadata
//     YUN_CHECK(call.metadata().add("x-tenant", "blue"));
//     auto user = co_await stub.get_user(call, request);
//     call.trailing_metadata().get("x-cost");

#include <optional>
#include <string>
#include <string_view>

#include "yun/observe/context.hpp"
#include "yun/rpc/metadata.hpp"

namespace yun::rpc {

/// One call as its server sees it. Its deadline is the caller's; it is cancelled when the caller goes away or cancels.
class ServerCall : public Context {
 public:
  /// "/shop.v1.UserService/GetUser"; valid as long as the call.
  std::string_view path() const { return path_; }
  /// "shop.v1.UserService".
  std::string_view service() const { return service_; }
  /// "GetUser".
  std::string_view method() const { return method_; }
  const runtime::Address& peer() const { return peer_; }
  /// What the caller sent.
  const Metadata& metadata() {
    if (!metadata_) metadata_ = Metadata::from(headers_);
    return *metadata_;
  }
  /// Sent ahead of the answer. Only unary and client-streaming methods can add to it: the head of a response stream leaves before its method runs.
  Metadata& initial_metadata() { return initial_; }
  /// Sent behind the last message, with the status.
  Metadata& trailing_metadata() { return trailing_; }

 protected:
  ServerCall(Context& parent, TimePoint deadline, const runtime::Address& peer, const http::Headers& headers)
      : Context(parent, deadline), peer_(peer), headers_(headers) {}
  std::string_view path_;
  std::string_view service_;
  std::string_view method_;
  const runtime::Address& peer_;
  const http::Headers& headers_;
  std::optional<Metadata> metadata_;  ///< made when asked for
  Metadata initial_;
  Metadata trailing_;
};

/// The call a method runs in, from the very Context it was given (not from a child of it); null outside one.
inline ServerCall* server_call(Context& ctx) { return dynamic_cast<ServerCall*>(&ctx); }

/// One call as its client sees it: pass it to the stub in place of the Context. For one call at a time.
class ClientCall : public Context {
 public:
  explicit ClientCall(Context& parent) : Context(parent) {}
  ClientCall(Context& parent, Duration timeout) : Context(parent, timeout) {}
  /// Sent with the call.
  Metadata& metadata() { return metadata_; }
  /// What came ahead of the answer; there once the first message or the status was read.
  const Metadata& initial_metadata() const { return initial_; }
  /// What came with the status.
  const Metadata& trailing_metadata() const { return trailing_; }

  /// For the channel.
  void set_received(Metadata initial) { initial_ = std::move(initial); }
  void set_trailing(Metadata trailing) { trailing_ = std::move(trailing); }

 private:
  Metadata metadata_;
  Metadata initial_;
  Metadata trailing_;
};

inline ClientCall* client_call(Context& ctx) { return dynamic_cast<ClientCall*>(&ctx); }

}  // namespace yun::rpc
