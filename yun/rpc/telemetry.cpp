#include "yun/rpc/telemetry.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <string>

#include "yun/observe/log/log.hpp"
#include "yun/observe/trace/trace.hpp"

namespace yun::rpc {

struct MethodTelemetry::Handles {
  Side side;
  std::string service;
  std::string method;
  observe::log::Level fault_level{};
  std::string full_name;  ///< "shop.v1.UserService/GetUser": the span's name
  metrics::Family<metrics::Counter>* requests = nullptr;
  metrics::Histogram* duration = nullptr;
  metrics::Counter* exceptions = nullptr;
  std::array<std::atomic<metrics::Counter*>, 17> by_code{};
};

struct MethodTelemetry::Scope::Trace {
  std::optional<trace::Span> own;  ///< a client's; a server's is the HTTP request's
  trace::Span* span = nullptr;
};

namespace {

/// Faults of the server or of what lies beneath it; the rest is the caller's affair.
bool is_fault(Code code) {
  switch (code) {
    case Code::Unknown:
    case Code::DeadlineExceeded:
    case Code::Unimplemented:
    case Code::Internal:
    case Code::Unavailable:
    case Code::DataLoss: return true;
    default: return false;
  }
}

}  // namespace

MethodTelemetry::MethodTelemetry(Side side, observe::metrics::Registry* registry, std::string_view service, std::string_view method,
                                 observe::log::Level fault_level)
    : handles_(std::make_shared<Handles>()) {
  handles_->side = side;
  handles_->service = service;
  handles_->method = method;
  handles_->fault_level = fault_level;
  handles_->full_name = handles_->service + "/" + handles_->method;
  if (!registry) return;
  const bool is_server = side == Side::Server;
  handles_->requests = &registry->counters(is_server ? "rpc_server_requests_total" : "rpc_client_requests_total",
                                           is_server ? "gRPC calls answered." : "gRPC calls made.", {"service", "method", "code"});
  handles_->duration = &registry
                            ->histograms(is_server ? "rpc_server_duration_seconds" : "rpc_client_duration_seconds",
                                         "From the head of a gRPC call to its status.", {"service", "method"})
                            .with({service, method});
  if (is_server) {
    handles_->exceptions =
        &registry->counters("rpc_server_exceptions_total", "Exceptions that left a gRPC method.", {"service", "method"}).with({service, method});
  }
}

void MethodTelemetry::count(Code code) const {
  if (!handles_ || !handles_->requests) return;
  auto& slot = handles_->by_code[static_cast<std::size_t>(code)];
  metrics::Counter* counter = slot.load(std::memory_order_acquire);
  if (!counter) {
    counter = &handles_->requests->with({handles_->service, handles_->method, name(code)});
    slot.store(counter, std::memory_order_release);
  }
  counter->add();
}

void MethodTelemetry::log_exception(Context& ctx, std::string_view what) const {
  if (handles_->exceptions) handles_->exceptions->add();
  log::error(ctx, "exception in an rpc method", {{"service", handles_->service}, {"method", handles_->method}, {"exception", what}});
}

MethodTelemetry::Scope::Scope(const MethodTelemetry& method, Context& ctx) : method_(method), ctx_(ctx), start_(Clock::now()) {
  if (!ctx.span()) return;
  const Handles& handles = *method.handles_;
  if (handles.side == Side::Server && !ctx.span()->sampled()) return;
  trace_ = std::make_unique<Trace>();
  trace_->span = ctx.span();
  if (handles.side == Side::Client) {
    trace_->own.emplace(ctx, handles.full_name, trace::Kind::Client);
    trace_->span = &*trace_->own;
  }
  trace_->span->set("rpc.system", "grpc");
  trace_->span->set("rpc.service", handles.service);
  trace_->span->set("rpc.method", handles.method);
}

MethodTelemetry::Scope::~Scope() {
  if (!ended_) end(cancelled("the call was dropped"));
}

void MethodTelemetry::Scope::end(const Result<void>& result) {
  if (ended_) return;
  ended_ = true;
  const Code code = result ? Code::Ok : result.error().code();
  const Handles& handles = *method_.handles_;
  const Duration took = Clock::now() - start_;
  method_.count(code);
  if (handles.duration) handles.duration->observe(took, ctx_.trace());
  if (trace_) {
    trace_->span->set("rpc.grpc.status_code", static_cast<int>(code));
    if (!result && (handles.side == Side::Client || is_fault(code))) trace_->span->fail(result.error());
    if (trace_->own) trace_->own->end();
    trace_.reset();
  }
  if (result) return;
  const log::Level level = is_fault(code) ? handles.fault_level : log::Level::Debug;
  if (!log::enabled(level)) return;
  const std::string_view message = handles.side == Side::Server ? "rpc failed" : "rpc to a peer failed";
  const log::Field fields[] = {{"service", handles.service}, {"method", handles.method},          {"code", name(code)},
                               {"error", result.error()},    {"reason", result.error().reason()}, {"seconds", took}};
  log::write(level, &ctx_, message, fields);
}

}  // namespace yun::rpc
