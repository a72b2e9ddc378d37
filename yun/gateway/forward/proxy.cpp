#include "yun/gateway/forward/proxy.hpp"

#include "yun/base/strings.hpp"
#include "yun/gateway/forward/headers.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::gateway {

namespace {

/// A body that can be sent again is one that is here already.
constexpr std::size_t kReplayable = 64 << 10;

bool is_idempotent(http::Method method) {
  switch (method) {
    case http::Method::Get:
    case http::Method::Head:
    case http::Method::Options:
    case http::Method::Put:
    case http::Method::Delete: return true;
    default: return false;
  }
}

/// Nothing reached the upstream, or the request may be repeated: then another try is safe.
bool may_retry(const Error& error, const http::Request& request) {
  if (error.code() != Code::Unavailable) return false;
  if (error.reason() == "upstream_connect") return true;
  return error.reason() == "upstream_reset" && is_idempotent(request.method);
}

/// The upstream's body, piece by piece, with its trailers behind.
struct Relay final : http::BodyProducer {
  explicit Relay(http::Body from) : body(std::move(from)) {}
  Task<Result<void>> produce(Context& ctx, http::BodyWriter& out) override {
    for (;;) {
      YUN_TRY(piece, co_await body.next(ctx));
      if (!piece) break;
      YUN_CHECK(co_await out.write(ctx, *piece));
    }
    if (const http::Headers* trailers = body.trailers()) {
      for (const auto field : *trailers) out.set_trailer(field.name, field.value);
    }
    co_return Result<void>();
  }
  http::Body body;
};

Error with_reason_of_gateway(Error error) {
  if (error.code() == Code::DeadlineExceeded && error.reason().empty()) return std::move(error).with_reason("upstream_timeout");
  if (error.code() == Code::Unavailable && !error.retry_after()) return std::move(error).with_retry_after(std::chrono::seconds(1));
  return error;
}

}  // namespace

http::Request outgoing(Context& ctx, const Exchange& exchange) {
  const http::Request& from = exchange.request;
  http::Request to;
  to.method = from.method;
  to.method_text = from.method_text;
  std::string path = from.path;
  const PathPattern& pattern = exchange.route.match.path;
  if (!exchange.route.rewrite.empty()) {
    const std::size_t matched = pattern.prefix ? pattern.text.size() - 2 : path.size();
    path = exchange.route.rewrite + path.substr(std::min(matched, path.size()));
  }
  to.path = path;
  to.query = from.query;
  to.target = from.query.empty() ? path : path + "?" + from.query;
  prepare_headers(ctx, from, to.headers, exchange.snapshot.config.trusted_proxies);
  return to;
}

Task<Result<void>> forward(Context& ctx, Exchange exchange, http::Response& response) {
  http::Request& request = exchange.request;
  Upstream& upstream = *exchange.snapshot.upstreams[exchange.route.upstream];
  const bool is_grpc = request.headers.get("content-type").value_or("").starts_with("application/grpc");
  const bool replayable = request.body.is_whole() && request.body.bytes().size() <= kReplayable;
  for (int left = exchange.route.retries;; --left) {
    http::Request to = outgoing(ctx, exchange);
    if (is_grpc) to.headers.set("te", "trailers");
    if (replayable) {
      to.body.assign(request.body.bytes());
    } else {
      to.body = std::move(request.body);
    }
    auto answer = co_await upstream.send(ctx, std::move(to));
    if (answer) {
      response.status = answer->status;
      response.headers.clear();
      copy_end_to_end(answer->headers, response.headers);
      response.reason = std::string(answer->headers.get("x-yun-reason").value_or(""));
      if (answer->body.is_whole()) {
        response.headers.remove("content-length");
        response.body = std::move(answer->body);
        response.trailers = std::move(answer->trailers);
      } else if (request.method == http::Method::Head) {
        answer->body.abandon();
      } else {
        response.stream = std::make_unique<Relay>(std::move(answer->body));
      }
      co_return Result<void>();
    }
    if (left <= 0 || !replayable || ctx.done() || !may_retry(answer.error(), request)) co_return with_reason_of_gateway(std::move(answer).error());
    // A moment for another endpoint to be chosen, spread so that many callers do not come back as one.
    Duration pause = std::chrono::milliseconds(10);
    (void)co_await runtime::sleep_for(ctx, pause);  // cancelled: the next send says so
  }
}

}  // namespace yun::gateway
