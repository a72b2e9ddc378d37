#include "yun/rpc/channel.hpp"

#include "yun/rpc/metadata.hpp"
#include "yun/rpc/channel_state.hpp"
#include "yun/rpc/status.hpp"

namespace yun::rpc {
namespace {

http::ClientOptions client_options(const ChannelOptions& options) {
  http::ClientOptions client;
  client.name = "rpc";
  client.http2 = http::Http2::PriorKnowledge;
  client.connect_timeout = options.connect_timeout;
  client.proxy = http::Proxy::None;
  client.user_agent = "grpc-c++-yun/0.1";
  client.ping_interval = options.ping_interval;
  client.ping_timeout = options.ping_timeout;
  client.tls = options.tls;
  return client;
}

}  // namespace

Task<void> Endpoints::watch(std::shared_ptr<Endpoints> self) {
  std::uint64_t revision = 0;
  while (!self->stop.done()) {
    Result<balance::EndpointSet> set = unavailable("not resolved");
    if (revision == 0) {
      set = co_await self->resolver->resolve(self->stop);
    } else {
      set = co_await self->resolver->next(self->stop, revision);
    }
    if (set) {
      revision = std::max<std::uint64_t>(set->revision, 1);
      self->balancer.update(*set);
      self->failure.reset();
      self->known.set();
      continue;
    }
    if (revision == 0) {
      // Calls that wait get this; the next ones wait for the next look-up.
      self->failure = set.error();
      self->known.set();
    }
    (void)co_await runtime::sleep_for(self->stop, std::chrono::seconds(1));  // the loop's condition sees a stop
  }
}

Task<Result<balance::Balancer::Pick>> Endpoints::pick(Context& ctx, const std::vector<runtime::Address>& avoid) {
  YUN_CHECK(co_await known.wait(ctx));
  if (failure) co_return *failure;
  co_return balancer.pick({}, avoid);
}

Channel::State::State(std::string t, ChannelOptions o)
    : target(std::move(t)), scheme(target.starts_with("https://") ? "https" : "http"), options(std::move(o)), client(client_options(options)) {
  if (!options.resolver) options.resolver = [text = target] { return balance::open(text); };
}

Result<std::shared_ptr<Endpoints>> Channel::State::endpoints() {
  std::optional<Error> failure;
  std::shared_ptr<Endpoints> fresh;
  auto local = per_loop.local([&] {
    auto resolver = options.resolver();
    if (!resolver) {
      failure = resolver.error();
      // An empty set: the next call on this loop says no_endpoints.
      resolver = std::unique_ptr<balance::Resolver>(std::make_unique<balance::StaticResolver>(std::vector<balance::Endpoint>(), target));
    }
    fresh = std::make_shared<Endpoints>(std::move(*resolver), options);
    return fresh;
  });
  if (fresh) runtime::Loop::current().spawn(Endpoints::watch(fresh));
  if (failure) return std::move(*failure);
  return local;
}

const MethodTelemetry& Channel::State::telemetry(const ClientMethod& method) {
  std::lock_guard lock(mutex_);
  auto& known = telemetry_[method.path];
  if (!known) known = std::make_unique<MethodTelemetry>(MethodTelemetry::Side::Client, options.registry, method.service, method.name);
  return *known;
}

http::Request Channel::State::request(Context& ctx, const ClientMethod& method, const balance::Endpoint& endpoint) const {
  http::Request request;
  request.method = http::Method::Post;
  request.version = http::Version::Http2;
  request.scheme = scheme;
  request.authority = endpoint.authority.empty() ? endpoint.address.to_string() : endpoint.authority;
  request.target = request.path = std::string(method.path);
  request.headers.add("te", "trailers");
  request.headers.add("content-type", "application/grpc");
  request.headers.add("grpc-accept-encoding", "identity,gzip");
  if (options.compress == Compress::Always) request.headers.add("grpc-encoding", "gzip");
  if (ctx.deadline() != TimePoint::max()) request.headers.add("grpc-timeout", format_timeout(ctx.remaining()));
  return request;
}

Channel::Channel(std::unique_ptr<State> state) : state_(std::move(state)) {}
Channel::~Channel() = default;

Result<std::shared_ptr<Channel>> Channel::open(std::string_view target, ChannelOptions options) {
  if (!options.resolver) {
    auto resolver = balance::open(target);
    if (!resolver) return std::move(resolver).error();
  }
  return std::shared_ptr<Channel>(new Channel(std::make_unique<State>(std::string(target), std::move(options))));
}

const std::string& Channel::target() const { return state_->target; }

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

balance::Outcome outcome_of(const Result<void>& result) {
  if (result) return balance::Outcome::Success;
  switch (result.error().code()) {
    case Code::Cancelled: return balance::Outcome::Ignored;
    case Code::Unavailable: return result.error().reason() == "upstream_connect" ? balance::Outcome::ConnectFailure : balance::Outcome::Failure;
    case Code::DeadlineExceeded:
    case Code::Internal:
    case Code::Unknown:
    case Code::DataLoss: return balance::Outcome::Failure;
    default: return balance::Outcome::Success;
  }
}

Error from_transport(Error error, Context& ctx) {
  // The far side cancels what is past its deadline, often a moment before this side notices.
  auto state = ctx.check();
  if (!state && error.code() != Code::DeadlineExceeded) return std::move(state).error();
  return error;
}

}  // namespace yun::rpc
