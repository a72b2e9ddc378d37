#include "yun/rpc/channel.hpp"

#include "yun/rpc/metadata.hpp"
#include "yun/rpc/channel_state.hpp"
#include "yun/rpc/status.hpp"

namespace yun::rpc {
namespace {

http::ClientOptions client_options(const ChannelOptions& options) {
  http::ClientOptions client;
  client.name = "rpc";
  client.user_agent = "grpc-c++-yun/0.1";
  client.ping_interval = options.ping_interval;
  client.ping_timeout = options.ping_timeout;
  client.tls = options.tls;
  return client;
}

void set_timeout(Context& ctx, http::Request& request) {
  if (ctx.deadline() != TimePoint::max()) request.headers.set("grpc-timeout", format_timeout(ctx.remaining()));
}

}  // namespace

const MethodTelemetry& Channel::State::telemetry(const ClientMethod& method) {
  std::lock_guard lock(mutex_);
  auto& known = telemetry_[method.path];
  if (!known) known = std::make_unique<MethodTelemetry>(MethodTelemetry::Side::Client, options.registry, method.service, method.name, options.fault_level);
  return *known;
}

http::Request Channel::State::request(Context& ctx, const ClientMethod& method) const {
  http::Request request;
  request.method = http::Method::Post;
  request.version = http::Version::Http2;
  request.target = request.path = std::string(method.path);
  request.headers.add("te", "trailers");
  request.headers.add("content-type", "application/grpc");
  request.headers.add("grpc-accept-encoding", "identity,gzip");
  if (options.compress == Compress::Always) request.headers.add("grpc-encoding", "gzip");
  set_timeout(ctx, request);
  return request;
}

http::Channel::Call Channel::State::call() const {
  return {.max_attempts = options.retry.max_attempts, .try_timeout = options.try_timeout, .refresh = &set_timeout};
}

Channel::Channel(std::shared_ptr<State> state) : state_(std::move(state)) {}
Channel::~Channel() = default;

Result<std::shared_ptr<Channel>> Channel::open(std::string_view target, ChannelOptions options) {
  http::ChannelOptions http{.http2 = true,
                            .connect_timeout = options.connect_timeout,
                            .balance = options.balance,
                            .resolver = options.resolver,
                            .max_attempts = options.retry.max_attempts,
                            .retry_budget = options.retry_budget};
  YUN_GET(opened, http::Channel::open(client_options(options), target, std::move(http)));
  return std::shared_ptr<Channel>(new Channel(std::make_shared<State>(std::move(opened), std::move(options))));
}

const std::string& Channel::target() const { return state_->http->url(); }

AnswerHead read_answer(const http::Response& response) {
  AnswerHead head;
  const bool is_grpc = response.headers.get("content-type").value_or("").starts_with("application/grpc");
  if (!is_grpc && !response.headers.has("grpc-status")) {
    head.status = Result<void>(error_from_http(response.status));
    return head;
  }
  head.status = read_status(response.headers);
  const auto encoding = response.headers.get("grpc-encoding");
  if (!encoding || head.status) return head;
  const auto known = parse_encoding(*encoding);
  if (known) {
    head.encoding = *known;
  } else {
    head.status = Result<void>(internal_error("the answer has the unknown grpc-encoding \"" + std::string(*encoding) + "\""));
  }
  return head;
}

Result<void> read_trailers(const http::Body& body) {
  const http::Headers* trailers = body.trailers();
  auto status = trailers ? read_status(*trailers) : std::nullopt;
  if (!status) return Error(Code::Unknown, "the answer ended without a status");
  return std::move(*status);
}

Error from_transport(Error error, Context& ctx) {
  // The far side cancels what is past its deadline, often a moment before this side notices.
  auto state = ctx.check();
  if (!state && error.code() != Code::DeadlineExceeded) return std::move(state).error();
  return error;
}

}  // namespace yun::rpc
