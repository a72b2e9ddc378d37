#pragma once
// Context: goes first, explicitly, as in Go. Deadline and cancellation (it is a Cancel), the span, the request id, log fields.
// A server makes one a request; every client call takes it and passes on what is left of the deadline and the trace.
//
//     Task<Result<User>> find(Context& ctx, std::string id) {
//       Context child(ctx, 500ms);                       // same trace, at most half a second
//       YUN_TRY(user, co_await users.get(child, id));
//       log::info(ctx, "found", {{"user", id}});
//
// Lives on one loop and outlives every task that was given it. A child must end before its parent.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "yun/runtime/cancel.hpp"

namespace yun {

namespace observe::trace {
class Span;

/// W3C trace context: 16 + 8 random bytes and the sampled flag. All zero = none.
struct SpanContext {
  std::uint64_t trace_high = 0;
  std::uint64_t trace_low = 0;
  std::uint64_t span = 0;
  bool sampled = false;
  bool valid() const { return (trace_high | trace_low) != 0 && span != 0; }
  bool operator==(const SpanContext&) const = default;
};
}  // namespace observe::trace

class Context : public Cancel {
 public:
  /// A root: for main(), background jobs and tests. Has a fresh, unsampled trace id on first use.
  Context() = default;
  /// Below `parent`: same trace, ids and identity; ends with it or after `timeout`.
  explicit Context(Context& parent) : Context(parent, TimePoint::max()) {}
  Context(Context& parent, Duration timeout) : Context(parent, Clock::now() + timeout) {}
  Context(Context& parent, TimePoint deadline);
  /// For the edges (servers): below a plain Cancel, such as that of a connection or a loop.
  explicit Context(Cancel& parent, TimePoint deadline = TimePoint::max()) : Cancel(parent, deadline) {}

  /// The trace this belongs to; made up now if none came in.
  const observe::trace::SpanContext& trace() {
    if (!trace_.valid()) [[unlikely]]
      make_trace();
    return trace_;
  }
  void set_trace(const observe::trace::SpanContext& trace) { trace_ = trace; }
  /// 32 lower-case hex digits.
  std::string trace_id();
  /// The tracestate that came in with the trace, checked; clients send it along unchanged. "" if none. Valid as long as the context.
  std::string_view trace_state() const { return trace_state_; }
  void set_trace_state(std::string_view state) {
    if (!state.empty() || !trace_state_.empty()) trace_state_ = state;
  }

  /// The X-Request-Id that came in or was made; valid as long as the context.
  std::string_view request_id() const { return request_id_; }
  void set_request_id(std::string id) { request_id_ = std::move(id); }

  /// Who asks, once authenticated ("" before): the JWT's sub.
  const std::string& subject() const { return subject_; }
  void set_subject(std::string subject) { subject_ = std::move(subject); }

  /// The span in progress; null outside one. Owned by whoever started it.
  observe::trace::Span* span() const { return span_; }
  void set_span(observe::trace::Span* span) { span_ = span; }

 private:
  void make_trace();
  observe::trace::SpanContext trace_;
  observe::trace::Span* span_ = nullptr;
  std::string trace_state_;
  std::string request_id_;
  std::string subject_;
};

}  // namespace yun
