#include "yun/rpc/telemetry.hpp"

#include <string>

#include "yun/observe/log/log.hpp"

namespace yun::rpc {

struct MethodTelemetry::Handles {
  Side side;
  std::string service;
  std::string method;
};

struct MethodTelemetry::Scope::Trace {};

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

MethodTelemetry::MethodTelemetry(Side side, std::string_view service, std::string_view method)
    : handles_(std::make_shared<Handles>(Handles{side, std::string(service), std::string(method)})) {}

void MethodTelemetry::count(Code code) const { (void)code; }

void MethodTelemetry::log_exception(Context& ctx, std::string_view what) const {
  log::error(ctx, "exception in an rpc method", {{"service", handles_->service}, {"method", handles_->method}, {"exception", what}});
}

MethodTelemetry::Scope::Scope(const MethodTelemetry& method, Context& ctx) : method_(method), ctx_(ctx), start_(Clock::now()) {}

MethodTelemetry::Scope::~Scope() {
  if (!ended_) end(cancelled("the call was dropped"));
}

void MethodTelemetry::Scope::end(const Result<void>& result) {
  if (ended_) return;
  ended_ = true;
  const Code code = result ? Code::Ok : result.error().code();
  method_.count(code);
  if (result) return;
  const Handles& handles = *method_.handles_;
  const std::string_view message = handles.side == Side::Server ? "rpc failed" : "rpc to a peer failed";
  const log::Level level = is_fault(code) ? log::Level::Warn : log::Level::Debug;
  if (!log::enabled(level)) return;
  const log::Field fields[] = {{"service", handles.service},  {"method", handles.method},           {"code", name(code)},
                               {"error", result.error()},     {"reason", result.error().reason()},  {"seconds", Clock::now() - start_}};
  log::write(level, &ctx_, message, fields);
}

void count_unknown_method() {}

}  // namespace yun::rpc
