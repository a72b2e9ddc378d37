#include "yun/gateway/upstream/upstream.hpp"

#include "yun/discovery/open.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/rpc/framing.hpp"
#include "yun/rpc/status.hpp"
#include "yun/rpc/wire.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::gateway {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t kMaxReflection = 4u << 20;
constexpr auto kRelearnAfterFailure = 500ms;
constexpr auto kRelearn = 60s;  // a new version of the service may have new fields
}  // namespace

namespace {

Result<std::unique_ptr<balance::Resolver>> open_resolver(const std::string& url, const std::shared_ptr<HealthTable>& health) {
  YUN_GET(resolver, discovery::open(url));
  if (health->check().path.empty()) return std::move(resolver);
  return std::unique_ptr<balance::Resolver>(std::make_unique<HealthyResolver>(std::move(resolver), health));
}

}  // namespace

Upstream::Upstream(UpstreamConfig config, http::Client& probes)
    : config_(std::move(config)), probes_(probes), health_(std::make_shared<HealthTable>(config_.health)) {}

Upstream::~Upstream() = default;

Result<std::shared_ptr<Upstream>> Upstream::open(UpstreamConfig config, http::Client& probes) {
  if (auto resolver = discovery::open(config.to); !resolver) return std::move(resolver).error();
  std::shared_ptr<Upstream> upstream(new Upstream(std::move(config), probes));
  const UpstreamConfig& own = upstream->config_;
  http::ClientOptions client;
  client.name = own.name;
  client.http2 = http::Http2::Off;
  client.registry = probes.options().registry;
  client.user_agent.clear();  // the client's or none
  http::ChannelOptions options;
  options.http2 = own.protocol != Protocol::Http;
  options.connect_timeout = own.connect_timeout;
  options.max_connections = static_cast<std::size_t>(own.max_connections);
  options.balance.policy = own.lb == LoadBalancing::RoundRobin ? balance::Policy::RoundRobin : balance::Policy::P2cEwma;
  if (client.registry)
    options.balance.ejections = &client.registry->counters("client_ejections_total", "Instances left out for a while because calls to them failed.", {"upstream"}).with({own.name});
  options.resolver = [to = own.to, health = upstream->health_] { return open_resolver(to, health); };
  YUN_GET(channel, http::Channel::open(std::move(client), own.to, std::move(options)));
  upstream->channel_ = std::move(channel);
  return upstream;
}

bool Upstream::serves(const UpstreamConfig& other) const {
  const HealthCheck& a = config_.health;
  const HealthCheck& b = other.health;
  return config_.name == other.name && config_.to == other.to && config_.protocol == other.protocol && config_.lb == other.lb &&
         config_.connect_timeout == other.connect_timeout && config_.max_connections == other.max_connections && a.path == b.path &&
         a.every == b.every && a.timeout == b.timeout && a.unhealthy_after == b.unhealthy_after && a.healthy_after == b.healthy_after;
}

bool Upstream::has_schema() const {
  std::lock_guard lock(mutex_);
  return schema_ != nullptr;
}

Result<std::pair<std::shared_ptr<const rpc::Schema>, const rpc::MethodType*>> Upstream::method(const std::string& service,
                                                                                               const std::string& name) const {
  std::shared_ptr<const rpc::Schema> schema;
  {
    std::lock_guard lock(mutex_);
    schema = schema_;
  }
  if (!schema)
    return unavailable("what upstream '" + config_.name + "' offers is not known yet").with_reason("schema_unavailable").with_retry_after(1s);
  const rpc::MethodType* method = schema->method(service + "/" + name);
  if (!method) return unimplemented("upstream '" + config_.name + "' has no method " + service + "/" + name).with_reason("method_unknown");
  return std::pair(std::move(schema), method);
}

Task<void> Upstream::run(Context& ctx, std::vector<std::string> services) {
  runtime::Scope scope;
  if (!config_.health.path.empty()) scope.spawn(check_health(ctx));
  if (!services.empty()) scope.spawn(learn_schema(ctx, std::move(services)));
  co_await scope.join();
}

Task<void> Upstream::check_health(Context& ctx) {
  auto resolver = discovery::open(config_.to);
  if (!resolver) co_return;  // open() has refused it already
  while (!ctx.done()) {
    auto set = co_await (*resolver)->resolve(ctx);
    if (set) {
      for (const auto& endpoint : set->endpoints) {
        Context probe(ctx, config_.health.timeout);
        const std::string url = "http://" + endpoint.address.to_string() + config_.health.path;
        auto answer = co_await probes_.get(probe, url);
        if (ctx.done()) co_return;
        const bool well = answer && answer->status < 400;
        if (health_->report(endpoint.address, well)) {
          log::warn(well ? "endpoint is healthy again" : "endpoint is unhealthy",
                    {{"upstream", config_.name}, {"endpoint", endpoint.address.to_string()}});
        }
      }
    }
    (void)co_await runtime::sleep_for(ctx, config_.health.every);  // cancelled: the condition sees it
  }
}

Task<void> Upstream::learn_schema(Context& ctx, std::vector<std::string> services) {
  log::Occasional occasional;
  while (!ctx.done()) {
    auto schema = co_await reflect(ctx, services);
    Duration pause = kRelearn;
    if (schema) {
      std::lock_guard lock(mutex_);
      schema_ = std::move(*schema);
    } else {
      pause = kRelearnAfterFailure;
      if (!ctx.done() && occasional.pass()) log::warn("reflection failed", {{"upstream", config_.name}, {"error", schema.error()}});
    }
    (void)co_await runtime::sleep_for(ctx, pause);  // cancelled: the condition sees it
  }
}

/// A call a service: file_containing_symbol (field 4 of the request); file_descriptor_response (field 4 of the answer) has the files (field 1), what
/// they import included. Servers of before 2023 offer grpc.reflection.v1alpha only, which has the same messages.
Task<Result<std::shared_ptr<const rpc::Schema>>> Upstream::reflect(Context& ctx, const std::vector<std::string>& services) {
  std::vector<std::string> files;
  for (const std::string& service : services) {
    auto answer = co_await ask_reflection(ctx, reflection_, service);
    if (!answer && answer.error().code() == Code::Unimplemented) {
      const std::string_view other = reflection_ == "v1" ? "v1alpha" : "v1";
      answer = co_await ask_reflection(ctx, other, service);
      if (answer) reflection_ = other;
    }
    if (!answer) co_return std::move(answer).error().with_context("reflection of " + service);
    rpc::wire::Fields fields(*answer);
    while (auto field = fields.next()) {
      if (field->number == 7) co_return not_found("reflection does not know " + service);
      if (field->number != 4) continue;
      rpc::wire::Fields list(field->bytes);
      while (auto file = list.next()) {
        if (file->number == 1) files.emplace_back(file->bytes);
      }
    }
  }
  co_return rpc::Schema::build(files);
}

/// The answer's bytes. Unimplemented if this version is not offered.
Task<Result<std::string>> Upstream::ask_reflection(Context& ctx, std::string_view version, const std::string& service) {
  std::string message;
  rpc::wire::put_bytes(message, 4, service);
  std::string frame(rpc::kFrameHead, '\0');
  rpc::put_frame_head(frame.data(), false, static_cast<std::uint32_t>(message.size()));
  frame += message;

  Context call(ctx, 5s);
  http::Request request;
  request.method = http::Method::Post;
  request.target = request.path = "/grpc.reflection." + std::string(version) + ".ServerReflection/ServerReflectionInfo";
  request.headers.add("content-type", "application/grpc");
  request.headers.add("te", "trailers");
  request.body = http::Body(std::move(frame));
  YUN_TRY(response, co_await channel_->send(call, std::move(request)));
  if (response.status != 200) co_return rpc::error_from_http(response.status);
  YUN_TRY(bytes, co_await response.body.all(call, kMaxReflection));

  rpc::FrameReader frames(kMaxReflection);
  frames.feed_all(bytes);
  YUN_TRY(answer, frames.next());
  if (answer) co_return std::string(*answer);
  const http::Headers* trailers = response.body.trailers();
  auto status = rpc::read_status(response.headers);
  if (!status && trailers) status = rpc::read_status(*trailers);
  if (status && !*status) co_return std::move(*status).error();
  co_return unavailable("no answer");
}

}  // namespace yun::gateway
