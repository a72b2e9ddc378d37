#pragma once
// Front: what the service port answers, in one place: /health, /metrics if wanted, gRPC, and everything else by router or handler.

#include <atomic>
#include <string_view>

#include "yun/app/readiness.hpp"
#include "yun/http/message.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/rpc/server.hpp"

namespace yun::app {

class Front final : public http::Handler {
 public:
  Front(http::Handler& router, observe::metrics::Registry& metrics, const Readiness& readiness)
      : handler_(&router), metrics_(metrics), readiness_(readiness) {}

  void set_handler(http::Handler& handler) {
    handler_ = &handler;
    has_handler_ = true;
  }
  bool has_handler() const { return has_handler_; }
  void set_grpc(rpc::Server& grpc) { grpc_ = &grpc; }
  void serve_metrics() { metrics_on_ = true; }
  bool has_metrics() const { return metrics_on_; }
  /// From now on requests are served; before, they get 503.
  void start_serving() { started_.store(true, std::memory_order_release); }
  /// From any thread. `phase` is a literal: "starting", "serving", "draining".
  void set_readiness(bool ready, std::string_view phase);
  bool is_ready() const { return ready_.load(std::memory_order_acquire); }

  Task<void> handle(Context& ctx, http::Request& request, http::Response& response) override;
  void finished(Context& ctx, const http::Request& request, const http::Response& response, const http::Outcome& outcome) noexcept override;

  /// {"status":"ok"} with 200, or 503 with the phase.
  void answer_health(http::Response& response) const;
  /// The same with each check and what it misses, for operators.
  void answer_ready(http::Response& response) const;

 private:
  enum class Part { Health, Metrics, Grpc, Starting, Handler };
  Part part_of(const http::Request& request) const;

  http::Handler* handler_;
  rpc::Server* grpc_ = nullptr;
  observe::metrics::Registry& metrics_;
  const Readiness& readiness_;
  bool has_handler_ = false;
  bool metrics_on_ = false;
  std::atomic<bool> ready_{false};
  std::atomic<bool> started_{false};
  std::atomic<const char*> phase_{"starting"};
};

/// The metrics page, in the format that the request accepts.
void answer_metrics(const observe::metrics::Registry& metrics, const http::Request& request, http::Response& response);

}  // namespace yun::app
