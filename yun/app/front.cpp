#include "yun/app/front.hpp"

#include "yun/http/middleware/middleware.hpp"
#include "yun/json/write.hpp"

namespace yun::app {

void Front::set_readiness(bool ready, std::string_view phase) {
  phase_.store(phase.data(), std::memory_order_relaxed);
  ready_.store(ready, std::memory_order_release);
}

Front::Part Front::part_of(const http::Request& request) const {
  if (request.path == "/health") return Part::Health;
  if (metrics_on_ && request.path == "/metrics") return Part::Metrics;
  // While draining requests are still served: readiness turns the traffic away, not the answers.
  if (!started_.load(std::memory_order_acquire)) return Part::Starting;
  return grpc_ && rpc::is_grpc(request) ? Part::Grpc : Part::Handler;
}

void Front::answer_health(http::Response& response) const {
  response = is_ready() ? http::Response::json(200, R"({"status":"ok"})")
                        : http::Response::json(503, std::string(R"({"status":")") + phase_.load(std::memory_order_relaxed) + "\"}");
}

namespace {
struct Readyz {
  std::string status;
  std::vector<Readiness::Check> checks;
};
}  // namespace

void Front::answer_ready(http::Response& response) const {
  const bool ready = is_ready();
  const Readyz body{ready ? "ok" : phase_.load(std::memory_order_relaxed), readiness_.checks()};
  response = http::Response::json(ready ? 200 : 503, json::to_json(body));
}

Task<void> Front::handle(Context& ctx, http::Request& request, http::Response& response) {
  // What a caller of ours has left of its own deadline; it can only make this one earlier.
  if (const auto left = request.headers.get("x-request-timeout")) {
    if (const auto duration = parse_duration(*left)) ctx.shorten(Clock::now() + *duration);
  }
  switch (part_of(request)) {
    case Part::Health:
      request.route = "/health";
      answer_health(response);
      return {};
    case Part::Metrics:
      request.route = "/metrics";
      answer_metrics(metrics_, request, response);
      return {};
    case Part::Starting:
      http::refuse(ctx, request, response, unavailable("the service is starting").with_reason("starting").with_retry_after(std::chrono::seconds(1)));
      return {};
    case Part::Grpc: return grpc_->handle(ctx, request, response);
    case Part::Handler: return handler_->handle(ctx, request, response);
  }
  return {};
}

void Front::finished(Context& ctx, const http::Request& request, const http::Response& response, const http::Outcome& outcome) noexcept {
  if (request.route == "/health" || request.route == "/metrics") return;
  if (grpc_ && rpc::is_grpc(request)) {
    grpc_->finished(ctx, request, response, outcome);
  } else {
    handler_->finished(ctx, request, response, outcome);
  }
}

void answer_metrics(const observe::metrics::Registry& metrics, const http::Request& request, http::Response& response) {
  const auto format = observe::metrics::negotiate(request.headers.get("accept").value_or(""));
  response = http::Response::text(200, metrics.render(format));
  response.headers.set("content-type", observe::metrics::content_type(format));
}

}  // namespace yun::app
