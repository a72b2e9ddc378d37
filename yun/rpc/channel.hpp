#pragma once
// Channel: what stubs call through. Finds the endpoints of a target, balances over them, keeps HTTP/2 connections on each loop.
//
//     YUN_GET(channel, rpc::Channel::open("dns://users.shop.svc:8080"));
//     shop::v1::UserService::Stub users(*channel);
//     auto user = co_await users.get_user(ctx, request);              // Result<User>; the server's status, with its details, is the Error
//
// The Context's deadline goes out as grpc-timeout, its trace as traceparent. Within the budget a call goes to another endpoint when nothing was sent
// (no connection); a unary one is also sent again, after a pause, when no endpoint can be reached or the server said UNAVAILABLE without an answer, and, if its .proto says that
// it is idempotent (option idempotency_level), when its connection breaks.
// May be used from every loop; must outlive its calls (of a stream: the object that open() gave, which may go just before it).

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "yun/balance/balancer.hpp"
#include "yun/balance/resolver.hpp"
#include "yun/base/units.hpp"
#include "yun/http/client/client.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/resilience/retry.hpp"
#include "yun/rpc/options.hpp"
#include "yun/rpc/stub.hpp"

namespace yun::rpc {

struct ChannelOptions {
  /// An answer over this (also after decompression) is RESOURCE_EXHAUSTED.
  std::size_t max_message = 4_MiB;
  Compress compress = Compress::Mirror;
  /// Smaller messages are never compressed.
  std::size_t compress_from = 1_KiB;
  /// Of a unary call whose Context has no earlier deadline; zero: none.
  Duration timeout{};
  /// Of one try of a unary call that is idempotent, if another endpoint may be asked then (http::Channel::Call::try_timeout); zero: none.
  Duration try_timeout{};
  Duration connect_timeout = std::chrono::seconds(2);
  /// A PING when a connection with open calls was silent so long, and how long its answer may take.
  Duration ping_interval = std::chrono::seconds(30);
  Duration ping_timeout = std::chrono::seconds(20);
  resilience::RetryOptions retry = {};
  resilience::RetryBudgetOptions retry_budget = {};
  balance::Balancer::Options balance = {};
  http::tls::ClientTls tls = {};
  /// Makes each loop its resolver, instead of balance::open(target) (discovery's drivers).
  std::function<Result<std::unique_ptr<balance::Resolver>>()> resolver = {};
  /// Where rpc_client_* are counted; null: nowhere. Must outlive the channel.
  observe::metrics::Registry* registry = nullptr;
  /// Of the line that a call leaves which failed by a fault. Debug for a caller who says it in a line of its own.
  observe::log::Level fault_level = observe::log::Level::Warn;
};

class Channel {
 public:
  /// "static://127.0.0.1:8081", "dns://users:8080", "http://host:port", "https://host:port" (TLS), or what options.resolver understands.
  /// InvalidArgument for a bad target; connects with the first call.
  static Result<std::shared_ptr<Channel>> open(std::string_view target, ChannelOptions options = {});
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const std::string& target() const;

  struct State;
  /// For generated code.
  State& state() { return *state_; }

 private:
  explicit Channel(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace yun::rpc
