#include "yun/http/content/event_stream.hpp"

#include "yun/runtime/loop.hpp"

namespace yun::http {

namespace {

void append_lines(std::string& out, std::string_view field, std::string_view text) {
  for (;;) {
    const auto end = text.find_first_of("\r\n");
    out += field;
    out += text.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos) return;
    const bool pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (pair ? 2 : 1));
  }
}

void append_line(std::string& out, std::string_view field, std::string_view text) {
  out += field;
  for (const char c : text) {
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
  out += '\n';
}

}  // namespace

void append_event(std::string& out, const Event& event) {
  if (!event.name.empty()) append_line(out, "event: ", event.name);
  if (!event.id.empty()) append_line(out, "id: ", event.id);
  if (event.retry) append_line(out, "retry: ", std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(*event.retry).count()));
  append_lines(out, "data: ", event.data);
  out += '\n';
}

Task<Result<void>> EventStream::write(Context& ctx, std::string text) {
  YUN_TRY(permit, co_await turn_.acquire(ctx));
  (void)permit;
  auto written = co_await out_.write(ctx, text);
  last_ = Clock::now();
  co_return written;
}

Task<Result<void>> EventStream::send(Context& ctx, const Event& event) {
  std::string text;
  append_event(text, event);
  return write(ctx, std::move(text));
}

Task<Result<void>> EventStream::send(Context& ctx, std::string_view data) { return send(ctx, Event{.data = std::string(data)}); }

Task<Result<void>> EventStream::comment(Context& ctx, std::string_view text) {
  std::string line;
  append_line(line, ": ", text);
  return write(ctx, line + "\n");
}

/// Runs the function and, beside it, a task that comments while all is quiet.
class EventProducer final : public BodyProducer {
 public:
  EventProducer(EventFunction function, EventStreamOptions options) : function_(std::move(function)), options_(options) {}

  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    EventStream events(out);
    Context until_done(ctx);
    runtime::Scope scope;
    scope.spawn(keep_alive(until_done, ctx, events));
    std::exception_ptr thrown;
    Result<void> outcome;
    try {
      Task<Result<void>> running = function_(ctx, events);
      outcome = co_await std::move(running);
    } catch (...) {
      thrown = std::current_exception();
    }
    until_done.cancel();
    Task<void> joined = scope.join();
    (void)co_await std::move(joined);  // void
    if (thrown) std::rethrow_exception(thrown);
    co_return outcome;
  }

 private:
  /// Ends with `until_done`; a comment that is being written is written to its end, or the stream would be torn.
  Task<void> keep_alive(Context& until_done, Context& ctx, EventStream& events) const {
    for (;;) {
      auto slept = co_await runtime::sleep_until(until_done, events.last_ + options_.keep_alive);
      if (!slept) co_return;
      if (Clock::now() < events.last_ + options_.keep_alive) continue;
      auto sent = co_await events.comment(ctx, "");
      if (!sent) co_return;
    }
  }

  EventFunction function_;
  EventStreamOptions options_;
};

Response event_stream(EventFunction function, EventStreamOptions options) {
  Response response;
  response.headers.set("content-type", "text/event-stream");
  response.headers.set("cache-control", "no-cache, no-transform");
  response.headers.set("x-accel-buffering", "no");
  response.stream = std::make_unique<EventProducer>(std::move(function), options);
  return response;
}

}  // namespace yun::http
