#include "yun/http/client/channel.hpp"

#include "yun/http/client/per_loop.hpp"

namespace yun::http {

namespace {

/// One loop's view of the service.
struct Endpoints {
  Endpoints(std::unique_ptr<balance::Resolver> from, const ChannelOptions& options)
      : resolver(std::move(from)), balancer(options.balance), budget(options.retry_budget), stop(runtime::Loop::current().root()) {}
  void close() { stop.cancel(); }

  /// Keeps the balancer up to date until close().
  static Task<void> watch(std::shared_ptr<Endpoints> self) {
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
      if (revision == 0) self->failure = set.error();  // calls get it until a look-up succeeds
      self->known.set();
      (void)co_await runtime::sleep_for(self->stop, std::chrono::seconds(1));  // a stop is seen by the loop's condition
    }
    self->failure = cancelled("the channel is closed");
    self->known.set();
  }

  std::unique_ptr<balance::Resolver> resolver;
  balance::Balancer balancer;
  resilience::RetryBudget budget;
  runtime::Event known;
  std::optional<Error> failure;
  Context stop;
};

balance::Outcome outcome_of(const Result<Response>& response) {
  using balance::Outcome;
  if (response) return response->status >= 500 && response->status != 501 ? Outcome::Failure : Outcome::Success;
  const Error& error = response.error();
  if (error.reason() == "upstream_connect" || error.reason() == "upstream_certificate") return Outcome::ConnectFailure;
  if (error.code() == Code::DeadlineExceeded) return Outcome::Failure;
  if (error.reason() == "upstream_reset" || error.reason() == "upstream_protocol") return Outcome::Failure;
  return Outcome::Ignored;
}

/// A streaming body weighs on its endpoint until it goes.
class HeldBody final : public BodySource {
 public:
  HeldBody(Body body, balance::Balancer::Pick pick) : body_(std::move(body)), pick_(std::move(pick)) {}
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override { return body_.next(ctx); }
  const Headers* trailers() const override { return body_.trailers(); }
  void abandon() override { body_.abandon(); }

 private:
  Body body_;
  balance::Balancer::Pick pick_;
};

ClientOptions client_options(const Client& client, const ChannelOptions& options) {
  ClientOptions own = client.options();
  if (options.http2) own.http2 = Http2::PriorKnowledge;
  own.connect_timeout = options.connect_timeout;
  own.max_connections_per_host = options.max_connections;
  own.proxy = Proxy::None;
  return own;
}

}  // namespace

struct Channel::Inner {
  Inner(const Client& base, std::string_view text, ChannelOptions given)
      : url(text), scheme(url.starts_with("https://") ? "https" : "http"), options(std::move(given)), client(client_options(base, options)) {
    if (!options.resolver) options.resolver = [name = url] { return balance::open(name); };
  }

  std::shared_ptr<Endpoints> local() {
    std::shared_ptr<Endpoints> fresh;
    auto endpoints = per_loop.local([&] {
      auto resolver = options.resolver();
      std::unique_ptr<balance::Resolver> made;
      if (resolver) {
        made = std::move(*resolver);
      } else {
        made = std::make_unique<balance::StaticResolver>(std::vector<balance::Endpoint>(), url + ": " + resolver.error().message());
      }
      fresh = std::make_shared<Endpoints>(std::move(made), options);
      return fresh;
    });
    if (fresh) runtime::Loop::current().spawn(Endpoints::watch(fresh));
    return endpoints;
  }

  std::string url;
  std::string scheme;
  ChannelOptions options;
  Client client;
  client::PerLoop<Endpoints> per_loop;
};

Channel::Channel(std::shared_ptr<Inner> inner) : inner_(std::move(inner)) {}
Channel::~Channel() = default;
const std::string& Channel::url() const { return inner_->url; }

Result<std::unique_ptr<Channel>> Channel::open(const Client& client, std::string_view url, ChannelOptions options) {
  if (!options.resolver) {
    // Only to see that the URL is good: each loop opens its own.
    if (auto tried = balance::open(url); !tried) return std::move(tried).error();
  }
  return std::unique_ptr<Channel>(new Channel(std::make_shared<Inner>(client, url, std::move(options))));
}

std::vector<balance::Balancer::State> Channel::states() { return inner_->local()->balancer.states(); }

Task<Result<Response>> Channel::send(Context& ctx, Request request, std::string key) {
  const auto inner = inner_;
  const auto endpoints = inner->local();
  YUN_CHECK(co_await endpoints->known.wait(ctx));
  if (endpoints->failure) co_return *endpoints->failure;
  request.scheme = inner->scheme;
  const bool takes_authority = request.authority.empty();
  endpoints->budget.on_call(runtime::Loop::current().now());
  std::vector<runtime::Address> failed;
  for (unsigned attempt = 1;; ++attempt) {
    auto pick = endpoints->balancer.pick(key, failed);
    if (!pick) co_return std::move(pick).error();
    if (takes_authority) request.authority.clear();
    auto response = co_await inner->client.send_to(ctx, pick->endpoint(), request);
    const auto outcome = outcome_of(response);
    pick->report_head(outcome);
    if (response) {
      if (!response->body.is_whole()) response->body = Body(std::make_unique<HeldBody>(std::move(response->body), std::move(*pick)));
      co_return std::move(response);
    }
    if (outcome != balance::Outcome::ConnectFailure) co_return std::move(response);
    endpoints->resolver->refresh();
    failed.push_back(pick->endpoint().address);
    const bool another = attempt < inner->options.max_connect_attempts && failed.size() < endpoints->balancer.size();
    if (!another || ctx.done() || !endpoints->budget.take(runtime::Loop::current().now())) co_return std::move(response);
  }
}

}  // namespace yun::http
