#include "yun/gateway/forward/proxy.hpp"

#include "yun/base/sanitizers.hpp"
#include "yun/gateway/forward/headers.hpp"
#include "yun/http/codec1/request_parser.hpp"
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

constexpr std::size_t kMostSpare = kSanitized ? 0 : 64;
constexpr std::size_t kKeepBody = 4_KiB;  // of its memory

std::vector<std::unique_ptr<http::Request>>& spare() {
  static thread_local std::vector<std::unique_ptr<http::Request>> list;
  return list;
}

std::unique_ptr<http::Request> take_spare() {
  if (spare().empty()) return std::make_unique<http::Request>();
  auto request = std::move(spare().back());
  spare().pop_back();
  return request;
}

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

Outgoing::Outgoing(Context& ctx, const Exchange& exchange) : request_(take_spare()) {
  const http::Request& from = exchange.request;
  http::Request& to = *request_;
  to.method = from.method;
  if (from.method == http::Method::Other) to.method_text = from.method_text;
  if (exchange.route.rewrite.empty()) {
    to.target = from.path;
  } else {
    const PathPattern& pattern = exchange.route.match.path;
    const std::size_t matched = pattern.prefix ? pattern.text.size() - 2 : from.path.size();
    to.target = exchange.route.rewrite;
    to.target.append(from.path, std::min(matched, from.path.size()));
  }
  if (!from.query.empty()) to.target.append(1, '?').append(from.query);
  prepare_headers(ctx, from, to.headers, exchange.snapshot.config.trusted_proxies);
}

Outgoing::~Outgoing() {
  if (spare().size() >= kMostSpare) return;
  http::codec1::clear(*request_);
  request_->body.reset(kKeepBody);
  spare().push_back(std::move(request_));
}

http::Channel::Call call_of(const Exchange& exchange) {
  return {.max_attempts = 1 + static_cast<unsigned>(exchange.route.retries), .idempotent = http::is_idempotent(exchange.request), .try_timeout = exchange.route.try_timeout};
}

Forward::Forward(Context& ctx, const Exchange& exchange, http::Response& response)
    : ctx_(ctx),
      exchange_(exchange),
      response_(response),
      channel_(exchange.snapshot.upstreams[exchange.route.upstream]->channel()),
      is_grpc_(exchange.request.headers.get("content-type").value_or("").starts_with("application/grpc")),
      to_(ctx, exchange),
      call_(call_of(exchange)) {
  if (is_grpc_) to_->headers.set("te", "trailers");
  to_->body = std::move(exchange.request.body);
  response_.headers.clear();  // a middleware may have set some
}

Task<Result<void>> Forward::send() { return channel_.send(ctx_, *to_, response_, call_); }

Result<void> Forward::finish(Result<void> sent) {
  if (!sent) return with_reason_of_gateway(std::move(sent).error());
  call_.pick->report_head(is_grpc_ ? outcome_of_grpc(response_) : http::outcome_of(response_));
  keep_end_to_end(response_.headers);
  response_.reason.assign(response_.headers.get("x-yun-reason").value_or(""));
  if (response_.status >= 500 && response_.reason.empty()) {
    response_.reason = "upstream_error";
    response_.headers.add("x-yun-reason", response_.reason);
  }
  const bool is_head = exchange_.request.method == http::Method::Head;
  if (response_.body.is_whole()) {
    if (!is_head) response_.headers.remove("content-length");
  } else if (is_head) {
    response_.body.abandon();
    response_.body = http::Body();
  } else {
    response_.stream = std::make_unique<Relay>(std::move(response_.body), std::move(*call_.pick));
    response_.body = http::Body();
  }
  return {};
}

}  // namespace yun::gateway
