#pragma once
// Server-sent events (WHATWG HTML 9.2): a stream of small texts to a browser's EventSource.
//
//     Task<Result<void>> ticks(Context& ctx, EventStream& events) {
//       for (int i = 0;; ++i) {
//         const Event event{.data = std::to_string(i), .id = std::to_string(i)};    // named: see docs/decisions/coroutines.md
//         YUN_CHECK(co_await events.send(ctx, event));
//         YUN_CHECK(co_await runtime::sleep_for(ctx, 1s));
//       }
//     }
//     router.get("/ticks", [] { return event_stream(ticks); });
//
// When nothing was sent for `keep_alive`, a comment is, so that proxies and the server's idle timeout leave the stream alone. The stream
// ends when the function returns; a client that went away is an error of send() and a cancelled Context.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "yun/base/units.hpp"
#include "yun/http/message.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http {

struct Event {
  std::string data;            ///< any text; each line of it becomes a data: line
  std::string name = {};       ///< the type, "message" if empty
  std::string id = {};         ///< what Last-Event-ID will be
  std::optional<Duration> retry = {};
};

/// The text of one event as it goes over the wire. Line breaks in name and id are dropped.
void append_event(std::string& out, const Event& event);

class EventStream {
 public:
  /// Waits while the client is slow. Cancelled or Unavailable when it is gone. One task at a time.
  Task<Result<void>> send(Context& ctx, const Event& event);
  /// One with nothing but data.
  Task<Result<void>> send(Context& ctx, std::string_view data);
  /// A line the client does not see.
  Task<Result<void>> comment(Context& ctx, std::string_view text);

 private:
  friend class EventProducer;
  explicit EventStream(BodyWriter& out) : out_(out) {}
  Task<Result<void>> write(Context& ctx, std::string text);
  BodyWriter& out_;
  runtime::Semaphore turn_{1};
  TimePoint last_ = Clock::now();
};

struct EventStreamOptions {
  Duration keep_alive = std::chrono::seconds(15);
};
using EventFunction = std::function<Task<Result<void>>(Context&, EventStream&)>;

/// 200 text/event-stream, no-cache. `function` lives as long as the stream, so its captures are safe.
Response event_stream(EventFunction function, EventStreamOptions options = {});

}  // namespace yun::http
