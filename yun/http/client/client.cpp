#include "yun/http/client/client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "yun/http/client/pool.hpp"
#include "yun/http/client/proxy.hpp"
#include "yun/http/client/telemetry.hpp"
#include "yun/http/client/url.hpp"
#include "yun/http/codec1/text.hpp"
#include "yun/runtime/per_loop.hpp"

namespace yun::http {

struct Client::Inner {
  std::shared_ptr<const Options> options;
  client::Telemetry telemetry;
  client::ProxyRules proxies;
  std::mutex tls_mutex;
  std::shared_ptr<tls::TlsContext> tls;
  runtime::PerLoop<client::Pool> pools;

  /// Made with the first https request: reading the system's certificates takes milliseconds that plain clients need not spend.
  Result<std::shared_ptr<tls::TlsContext>> tls_context() {
    std::lock_guard lock(tls_mutex);
    if (tls) return tls;
    tls::ClientTls given = options->tls;
    switch (options->http2) {
      case Http2::Off: given.alpn = {"http/1.1"}; break;
      case Http2::Negotiate: given.alpn = {"h2", "http/1.1"}; break;
      case Http2::PriorKnowledge: given.alpn = {"h2"}; break;
    }
    YUN_GET(made, tls::TlsContext::client(std::move(given)));
    tls = std::move(made);
    return tls;
  }
};

namespace {

Result<void> check(const Request& request) {
  if (std::ranges::any_of(request.target, [](unsigned char c) { return c <= ' ' || c == 0x7f; }))
    return invalid_argument("the request's target holds a space or control byte");
  if (request.method == Method::Other && !codec1::is_token(request.method_text)) return invalid_argument("the request's method is not a token");
  for (std::size_t i = 0; i < request.headers.size(); ++i) {
    if (!request.headers.is_sendable(i))
      return invalid_argument("the request's header '" + std::string(request.headers[i].name) + "' holds a byte that may not be sent");
  }
  return {};
}

/// What every request carries on from its Context.
void carry_on(Context& ctx, Request& request, const ClientOptions& options, TimePoint now) {
  std::array<char, observe::trace::kTraceparentSize> traceparent;
  observe::trace::write_traceparent(ctx.trace(), traceparent.data());
  request.headers.set_parsed("traceparent", std::string_view(traceparent.data(), traceparent.size()));
  if (!ctx.trace_state().empty()) {
    request.headers.set("tracestate", ctx.trace_state());
  } else {
    request.headers.remove("tracestate");  // it would belong to another trace, or was found to be malformed
  }
  if (!ctx.request_id().empty() && request.headers.get("x-request-id") != ctx.request_id()) request.headers.set("x-request-id", ctx.request_id());
  if (ctx.deadline() != TimePoint::max() && !request.headers.has("grpc-timeout")) {  // which says the same
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(Duration::zero(), ctx.deadline() - now)).count();
    std::array<char, 24> text;
    char* const end = std::to_chars(text.data(), text.data() + 20, left).ptr;
    std::memcpy(end, "ms", 2);
    request.headers.set_parsed("x-request-timeout", std::string_view(text.data(), static_cast<std::size_t>(end + 2 - text.data())));
  }
  if (!options.user_agent.empty() && !request.headers.has("user-agent")) request.headers.add("user-agent", options.user_agent);
}

Error name_timeout(Error error) {
  if (error.code() != Code::DeadlineExceeded || !error.reason().empty()) return error;
  return std::move(error).with_reason("upstream_timeout");
}

}  // namespace

Result<Request> make_request(Method method, std::string_view text) {
  YUN_GET(url, parse_url(text));
  Request request;
  request.method = method;
  request.scheme = url.scheme;
  request.authority = url.authority;
  request.target = url.target;
  return request;
}

Client::Client(Options options) : inner_(std::make_shared<Inner>()) {
  if (options.proxy == Proxy::FromEnvironment) inner_->proxies = client::ProxyRules::from_environment();
  inner_->telemetry = client::Telemetry(options.registry, options.name);
  inner_->options = std::make_shared<const Options>(std::move(options));
}
Client::~Client() = default;
const Client::Options& Client::options() const { return *inner_->options; }

Task<Result<Response>> Client::send(Context& ctx, Request request) {
  (void)runtime::Loop::current().tick();
  balance::Endpoint none;
  Response response;
  auto sent = co_await send_to(ctx, none, request, response);
  if (!sent) co_return std::move(sent).error();
  co_return std::move(response);
}

Task<Result<void>> Client::send_to(Context& ctx, const balance::Endpoint& endpoint, Request& request, Response& response) {
  runtime::Loop& loop = runtime::Loop::current();
  const auto inner = inner_;
  const Options& options = *inner->options;
  if (request.scheme.empty()) request.scheme = "http";
  if (request.authority.empty()) request.authority = endpoint.authority;
  if (request.target.empty()) request.target = request.path + (request.query.empty() ? "" : "?" + request.query);
  if (request.target.empty()) request.target = "/";
  YUN_CHECK(check(request));
  const bool known = endpoint.address.size() > 0;
  const std::string_view name = known && !endpoint.authority.empty() ? std::string_view(endpoint.authority) : std::string_view(request.authority);
  std::optional<client::Destination> to;  // of what is not known
  if (!known) {
    auto url = parse_authority(request.scheme, name);
    if (!url) co_return std::move(url).error();
    to.emplace().url = std::move(*url);
    to->proxy = inner->proxies.proxy_for(to->url);
    // A proxy is asked for the whole URL; through a tunnel it is as if there were none.
    if (to->proxy && to->url.scheme == "http") request.target = "http://" + request.authority + request.target;
  }
  std::shared_ptr<tls::TlsContext> tls;
  if (request.scheme == "https") {
    auto made = inner->tls_context();
    if (!made) co_return std::move(made).error();
    tls = std::move(*made);
  }
  const auto pool = inner->pools.local([&] { return std::make_shared<client::Pool>(inner->options, tls); });
  if (tls) pool->set_tls(tls);
  const TimePoint started = loop.latest();
  // The span is of a Context of its own: several exchanges may go on below one.
  std::optional<Context> own;
  std::optional<client::ExchangeSpan> span;
  if (ctx.span() || options.timeout > Duration::zero()) {
    own.emplace(ctx, options.timeout > Duration::zero() ? started + options.timeout : TimePoint::max());
    span.emplace(*own, request, known ? name : std::string_view(to->url.authority));
  }
  Context& within = own ? *own : ctx;
  carry_on(within, request, options, started);
  Task<Result<void>> task = known ? pool->send(within, request.scheme, name, endpoint.address, request, response)
                                  : pool->send(within, std::move(*to), request, response);
  auto sent = co_await std::move(task);
  const TimePoint ended = loop.tick();
  if (span) span->end(sent, response);
  inner->telemetry.count(request, sent, response, ended - started);
  if (!sent) co_return name_timeout(std::move(sent).error());
  co_return Result<void>();
}

Task<Result<Response>> Client::get(Context& ctx, std::string url) {
  auto request = make_request(Method::Get, url);
  if (!request) co_return std::move(request).error();
  co_return co_await send(ctx, std::move(*request));
}

Task<Result<Response>> Client::post_json(Context& ctx, std::string url, std::string body) {
  auto request = make_request(Method::Post, url);
  if (!request) co_return std::move(request).error();
  request->headers.set("content-type", "application/json");
  request->body = Body(std::move(body));
  co_return co_await send(ctx, std::move(*request));
}

}  // namespace yun::http
