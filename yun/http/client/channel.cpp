#include "yun/http/client/channel.hpp"

#include <algorithm>

#include "yun/base/ids.hpp"
#include "yun/http/client/endpoints.hpp"
#include "yun/http/codec1/request_parser.hpp"
#include "yun/runtime/per_loop.hpp"

namespace yun::http {

namespace {

using client::Endpoints;

/// Before the only endpoint there is gets the request again: many callers shall not come back as one.
constexpr Duration kMostPause = std::chrono::milliseconds(20);

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

/// How much of a request there was before it was sent: the client takes from it what it begins to stream.
class Whole {
 public:
  explicit Whole(const Request& request) : streams_(request.upload || !request.body.is_whole()), size_(request.body.bytes().size()) {}
  bool is_still(const Request& request) const { return !streams_ && request.body.bytes().size() == size_; }

 private:
  bool streams_;
  std::size_t size_;
};

/// Gives a try up when its time is over, provided that the budget allows another.
class Patience final : private runtime::Timer {
 public:
  Patience(Context& attempt, resilience::RetryBudget& budget, Duration limit) : attempt_(attempt), budget_(budget) {
    arm(runtime::Loop::current().latest() + limit);
  }
  bool ran_out() const { return ran_out_; }

 private:
  void on_timer() noexcept override {
    if (!budget_.take(runtime::Loop::current().now())) return;
    ran_out_ = true;
    attempt_.cancel(Error(Code::DeadlineExceeded, "no answer within the time of one try").with_reason("upstream_slow"));
  }
  Context& attempt_;
  resilience::RetryBudget& budget_;
  bool ran_out_ = false;
};

/// send_to() for at most `limit`. `gave_up`: it is to be sent again, which the budget has been charged for.
Task<Result<void>> send_within(Duration limit, Client& client, Context& ctx, const balance::Endpoint& endpoint, Request& request, Response& response,
                               resilience::RetryBudget& budget, bool& gave_up) {
  Context attempt(ctx);
  Patience patience(attempt, budget, limit);
  auto sent = co_await client.send_to(attempt, endpoint, request, response);
  gave_up = !sent && patience.ran_out() && !ctx.done();
  co_return sent;
}

/// send() and the client tick() where a call begins and ends.
TimePoint loop_time() {
  const runtime::Loop* loop = runtime::Loop::current_or_null();
  return loop ? loop->latest() : Clock::now();
}

/// An App that is not ready yet says so before anything is done: whoever asked may ask another, whatever the method.
bool was_not_begun(const Response& response) { return response.status == 503 && response.headers.get("x-yun-reason") == "starting"; }

/// One that has not failed this call, or, where all that failed were only slow, one of those: all may hang on what they share, and one may hang for good.
bool has_another(const Channel::Call& call, Endpoints& endpoints, bool all_answer) {
  const std::size_t size = endpoints.balancer().size();
  return call.failed.size() + 1 < size || (all_answer && size > 1);
}

ClientOptions client_options(ClientOptions client, const ChannelOptions& options) {
  if (options.http2) client.http2 = Http2::PriorKnowledge;
  client.connect_timeout = options.connect_timeout;
  client.max_connections_per_host = options.max_connections;
  client.proxy = Proxy::None;
  return client;
}

}  // namespace

balance::Outcome outcome_of(const Response& response) {
  return response.status >= 500 && response.status != 501 ? balance::Outcome::Failure : balance::Outcome::Success;
}

balance::Outcome outcome_of(const Error& error) {
  if (error.reason() == "upstream_connect" || error.reason() == "upstream_certificate") return balance::Outcome::ConnectFailure;
  if (error.code() == Code::DeadlineExceeded) return balance::Outcome::Failure;
  if (error.reason() == "upstream_reset" || error.reason() == "upstream_protocol") return balance::Outcome::Failure;
  return balance::Outcome::Ignored;
}

struct Channel::Inner {
  Inner(ClientOptions base, std::string_view text, ChannelOptions given)
      : url(text), scheme(url.starts_with("https://") ? "https" : "http"), options(std::move(given)), client(client_options(std::move(base), options)) {
    if (options.balance.clock == &Clock::now) options.balance.clock = &loop_time;
    if (!options.resolver) options.resolver = [name = url] { return balance::open(name); };
  }

  std::shared_ptr<Endpoints> local() {
    std::shared_ptr<Endpoints> fresh;
    auto endpoints = per_loop.local([&] {
      fresh = std::make_shared<Endpoints>(options.resolver(), options.balance, options.retry_budget);
      return fresh;
    });
    if (fresh) runtime::Loop::current().spawn(Endpoints::watch(fresh));
    return endpoints;
  }

  std::string url;
  std::string scheme;
  ChannelOptions options;
  Client client;
  runtime::PerLoop<Endpoints> per_loop;
};

Channel::Channel(std::shared_ptr<Inner> inner) : inner_(std::move(inner)) {}
Channel::~Channel() = default;
const std::string& Channel::url() const { return inner_->url; }

Result<std::unique_ptr<Channel>> Channel::open(ClientOptions client, std::string_view url, ChannelOptions options) {
  if (!options.resolver) {
    // Only to see that the URL is good: each loop opens its own.
    if (auto tried = balance::open(url); !tried) return std::move(tried).error();
  }
  return std::unique_ptr<Channel>(new Channel(std::make_shared<Inner>(std::move(client), url, std::move(options))));
}

std::vector<balance::Balancer::State> Channel::states() { return inner_->local()->balancer().states(); }
bool Channel::take_retry() { return inner_->local()->budget().take(runtime::Loop::current().now()); }

Task<Result<Response>> Channel::send(Context& ctx, Request request, std::string key) {
  Call call{.key = key};
  Response response;
  auto sent = co_await send(ctx, request, response, call);
  if (!sent) co_return std::move(sent).error();
  call.pick->report_head(outcome_of(response));
  if (!response.body.is_whole()) response.body = Body(std::make_unique<HeldBody>(std::move(response.body), std::move(*call.pick)));
  co_return std::move(response);
}

void Channel::Call::avoid_endpoint() {
  const runtime::Address& address = pick->endpoint().address;
  if (std::ranges::find(failed, address) == failed.end()) failed.push_back(address);
}

Task<Result<void>> Channel::send(Context& ctx, Request& request, Response& response, Call& call) {
  runtime::Loop& loop = runtime::Loop::current();
  const auto inner = inner_;  // the channel may go meanwhile
  const auto endpoints = inner->local();
  if (!endpoints->is_known()) YUN_CHECK(co_await endpoints->known(ctx));
  request.scheme = inner->scheme;
  const bool takes_authority = request.authority.empty();
  const Whole whole(request);
  const unsigned most = call.max_attempts ? call.max_attempts : inner->options.max_attempts;
  if (call.attempts == 0) endpoints->budget().on_call(loop.now());
  bool all_answer = true;  // no connection was refused: an endpoint that was given up may be well by now
  for (;;) {
    (void)loop.tick();  // what the pick and the exchange begin at
    auto pick = endpoints->pick(call.key, call.failed);
    if (!pick) co_return std::move(pick).error();
    const balance::Endpoint& endpoint = pick->endpoint();
    call.pick = std::move(*pick);
    if (call.attempts++ > 0 && call.refresh) call.refresh(ctx, request);
    if (takes_authority) request.authority = endpoint.authority.empty() ? endpoint.address.to_string() : endpoint.authority;
    bool gave_up = false;
    Task<Result<void>> trying;
    if (call.try_timeout > Duration::zero() && call.attempts < most && has_another(call, *endpoints, all_answer) && whole.is_still(request) &&
        (call.idempotent || is_idempotent(request))) {
      trying = send_within(call.try_timeout, inner->client, ctx, endpoint, request, response, endpoints->budget(), gave_up);
    } else {
      trying = inner->client.send_to(ctx, endpoint, request, response);
    }
    auto sent = co_await std::move(trying);
    if (takes_authority) request.authority.clear();
    if (sent) {
      const bool may_go_elsewhere = was_not_begun(response) && call.attempts < most && call.failed.size() + 1 < endpoints->balancer().size() &&
                                    whole.is_still(request) && !ctx.done() && endpoints->budget().take(loop.now());
      if (!may_go_elsewhere) co_return Result<void>();
      call.avoid_endpoint();
      endpoints->report_failed(*call.pick, balance::Outcome::Failure);
      response.body.abandon();
      codec1::clear(response);
      continue;
    }

    const auto outcome = outcome_of(sent.error());
    if (gave_up && call.failed.size() + 1 >= endpoints->balancer().size()) call.failed.clear();
    call.avoid_endpoint();
    endpoints->report_failed(*call.pick, outcome);  // the endpoint is gone with it
    if (gave_up) continue;
    const bool elsewhere = call.failed.size() < endpoints->balancer().size();
    if (outcome == balance::Outcome::ConnectFailure) all_answer = false;
    const bool nothing_sent = outcome == balance::Outcome::ConnectFailure && elsewhere;
    const bool may_be_done_twice =
        sent.error().reason() == "upstream_reset" && (call.idempotent || is_idempotent(request)) && whole.is_still(request);
    if ((!nothing_sent && !may_be_done_twice) || call.attempts >= most || ctx.done()) co_return std::move(sent);
    // Where nothing was sent the service has no more work by it: an outage must not use up what its end will need.
    if (!nothing_sent && !endpoints->budget().take(loop.now())) co_return std::move(sent);
    if (elsewhere) continue;
    auto slept = co_await runtime::sleep_for(ctx, std::chrono::duration_cast<Duration>(kMostPause * random_unit()));
    if (!slept) co_return std::move(sent);
  }
}

}  // namespace yun::http
