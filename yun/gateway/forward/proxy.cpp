#include "yun/gateway/forward/proxy.hpp"

#include "yun/gateway/forward/headers.hpp"
#include "yun/rpc/status.hpp"

namespace yun::gateway {

namespace {

/// The upstream's body, piece by piece, with its trailers behind. It weighs on its endpoint until it has gone out or broken off.
struct Relay final : http::BodyProducer {
  Relay(http::Body from, balance::Balancer::Pick held) : body(std::move(from)), pick(std::move(held)) {}
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
  balance::Balancer::Pick pick;
};

/// A gRPC answer may be nothing but a status; that counts then.
balance::Outcome outcome_of_grpc(const http::Response& answer) {
  if (auto status = rpc::read_status(answer.headers)) return rpc::outcome_of(*status);
  return http::outcome_of(answer);
}

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

http::Channel::Call call_of(const Exchange& exchange) {
  return {.max_attempts = 1 + static_cast<unsigned>(exchange.route.retries), .idempotent = http::is_idempotent(exchange.request)};
}

Task<Result<void>> forward(Context& ctx, Exchange exchange, http::Response& response) {
  http::Request& request = exchange.request;
  http::Channel& channel = exchange.snapshot.upstreams[exchange.route.upstream]->channel();
  const bool is_grpc = request.headers.get("content-type").value_or("").starts_with("application/grpc");
  http::Request to = outgoing(ctx, exchange);
  if (is_grpc) to.headers.set("te", "trailers");
  to.body = std::move(request.body);
  http::Channel::Call call = call_of(exchange);
  auto answer = co_await channel.send(ctx, to, call);
  if (!answer) co_return with_reason_of_gateway(std::move(answer).error());

  call.pick->report_head(is_grpc ? outcome_of_grpc(*answer) : http::outcome_of(*answer));
  response.status = answer->status;
  response.headers.clear();
  copy_end_to_end(answer->headers, response.headers);
  response.reason = std::string(answer->headers.get("x-yun-reason").value_or(""));
  if (response.status >= 500 && response.reason.empty()) {
    response.reason = "upstream_error";
    response.headers.add("x-yun-reason", response.reason);
  }
  if (answer->body.is_whole()) {
    response.headers.remove("content-length");
    response.body = std::move(answer->body);
    response.trailers = std::move(answer->trailers);
  } else if (request.method == http::Method::Head) {
    answer->body.abandon();
  } else {
    response.stream = std::make_unique<Relay>(std::move(answer->body), std::move(*call.pick));
  }
  co_return Result<void>();
}

}  // namespace yun::gateway
