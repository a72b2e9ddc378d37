#pragma once
// Traces: spans that know their parent, W3C propagation, sampling. Exporters are SpanSinks.
//
//     trace::Tracer tracer({.sampler = trace::Sampler::parent_based(0.1)});
//     trace::Span span(tracer, ctx, "GET /api/users/{id}", trace::Kind::Server, traceparent, tracestate);   // at an edge
//     trace::Span query(ctx, "sql SELECT");                  // below: a child of ctx.span(); of nothing if there is none
//     query.set("db.system", "sqlite");
//     if (!rows) query.fail(rows.error());
//
// From its start to its end a span is ctx.span() and its ids are ctx.trace(): log lines and clients take them from there. It ends with
// its scope. A span that is not sampled keeps no attributes, allocates nothing and reads no clock of its own: it goes by the loop's (Loop::latest(), off a
// loop the kernel's tick of some ms), which is enough to see that it was slow. Only if it fails or is slow it is kept, bare, for the debug page. Spans belong to their Context's loop; those begun side by side in one Context may end in any order. A Tracer is thread-safe.

#include <atomic>
#include <concepts>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/observe/context.hpp"
#include "yun/observe/key.hpp"
#include "yun/observe/trace/propagation.hpp"

namespace yun::observe::trace {

enum class Kind : std::uint8_t { Internal, Server, Client, Producer, Consumer };
enum class Status : std::uint8_t { Unset, Ok, Error };

using AttributeValue = std::variant<std::string, std::int64_t, double, bool>;
struct Attribute {
  std::string_view key;  ///< static text
  AttributeValue value;
};

/// A span that has ended, as sinks get it.
struct SpanData {
  SpanContext context;
  std::uint64_t parent_span = 0;  ///< 0 = a root
  std::string trace_state;
  std::string name;
  Kind kind = Kind::Internal;
  Time start;
  Duration duration{};
  Status status = Status::Unset;
  std::string status_message;
  std::vector<Attribute> attributes;
  std::uint32_t dropped_attributes = 0;
};

namespace detail {
/// A span's data while it is in progress, and while it is gathered.
struct Record final : SpanData {
  std::unique_ptr<Record> next;
};
struct Tail;
}  // namespace detail

/// Where sampled spans go when they end.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  /// On the span's thread, from many at once: must be quick, bounded, and never block.
  virtual void on_end(const SpanData& span) noexcept = 0;
};

/// Decides once a trace; what is decided goes on in traceparent's sampled flag.
class Sampler {
 public:
  static Sampler always() { return Sampler(false, 1); }
  static Sampler never() { return Sampler(false, 0); }
  /// Each span by its trace id, whatever the parent was.
  static Sampler by_ratio(double ratio) { return Sampler(false, ratio); }
  /// As the parent was; a root with probability `ratio` (0 to 1), decided from the trace id, so that all services decide alike.
  static Sampler parent_based(double ratio) { return Sampler(true, ratio); }

  bool sample_root(const SpanContext& trace) const;
  bool sample_child(const SpanContext& parent) const { return parent_based_ ? parent.sampled : sample_root(parent); }

 private:
  Sampler(bool parent_based, double ratio);
  bool parent_based_;
  std::uint64_t below_;  ///< of 2^56
};

struct TracerOptions {
  Sampler sampler = Sampler::parent_based(0.1);
  std::vector<std::shared_ptr<SpanSink>> sinks = {};
  Duration slow = std::chrono::seconds(1);  ///< a span that takes longer is kept for recent()
  std::size_t recent = 128;                 ///< slow and failed spans kept; the oldest goes
  std::size_t max_attributes = 32;          ///< a span; more are counted only
  std::size_t max_text = 1024;              ///< bytes of one attribute's text
  /// Spans that are not sampled are gathered until the first one of their trace in this process ends, and all go to the sinks if that one failed or was
  /// slow. Costs such a span what a sampled one costs.
  bool tail = false;
  std::size_t max_tail = 64;  ///< spans gathered of one trace, its first one not counted; later ones are dropped and counted (tail_dropped())
};

class Tracer {
 public:
  explicit Tracer(TracerOptions options = {}) : options_(std::move(options)) {}
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  const TracerOptions& options() const { return options_; }
  /// Spans of slow and failed traces that TracerOptions::max_tail had no room for.
  std::uint64_t tail_dropped() const { return tail_dropped_.load(std::memory_order_relaxed); }
  /// The last slow and failed spans, the newest first.
  std::vector<SpanData> recent() const;
  /// The same as a JSON array, for a debug page.
  std::string recent_json() const;

 private:
  friend class Span;
  void keep(SpanData span);
  const TracerOptions options_;
  std::atomic<std::uint64_t> tail_dropped_{0};
  mutable std::mutex mutex_;
  std::vector<SpanData> recent_;
  std::size_t next_ = 0;
};

class Span {
 public:
  /// At an edge: below what `traceparent` says, or the root of a new trace if that is "" or malformed. `tracestate` becomes ctx.trace_state() as far as
  /// check_tracestate lets it pass and the traceparent is good. `tracer`, `ctx` and the text
  /// of `name` (a literal or a route's pattern) must outlive the span.
  Span(Tracer& tracer, Context& ctx, std::string_view name, Kind kind, std::string_view traceparent, std::string_view tracestate = {});
  /// Below ctx.span(), or a root if there is none.
  Span(Tracer& tracer, Context& ctx, std::string_view name, Kind kind = Kind::Internal);
  /// Below ctx.span() with its tracer; without one it is nothing and costs nothing.
  explicit Span(Context& ctx, std::string_view name, Kind kind = Kind::Internal);
  ~Span() { end(); }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  /// Routing is done after the span has begun. The text must outlive the span.
  void rename(std::string_view name);
  /// Does nothing if not sampled. A key given twice keeps its last value.
  void set(Key key, std::string_view value);
  void set(Key key, const char* value) { set(key, std::string_view(value)); }
  void set(Key key, bool value);
  void set(Key key, double value);
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  void set(Key key, T value) {
    if (sampled()) set_attribute(key, static_cast<std::int64_t>(value));
  }
  /// Sets error.type too: the error's reason, or its code.
  void fail(const Error& error);
  void fail(std::string_view why);
  void succeed() { status_ = Status::Ok; }

  /// It takes attributes: it goes to the sinks, or may yet (TracerOptions::tail).
  bool sampled() const { return data_ != nullptr; }
  const SpanContext& context() const { return context_; }
  Tracer* tracer() const { return tracer_; }

  /// Before the end of its scope; once. The context gets back the span and the ids that it had.
  void end();

 private:
  void begin(const SpanContext& parent, bool sampled);
  void begin_root();
  void step_out();
  void gather(bool worth_keeping);
  AttributeValue* attribute(Key key);
  void set_attribute(Key key, AttributeValue value);
  std::string cut(std::string_view text) const;

  Tracer* tracer_;
  Context* ctx_;
  Span* outer_;
  std::string_view name_;
  Kind kind_;
  Status status_ = Status::Unset;
  SpanContext before_;   ///< what ctx.trace() was
  SpanContext context_;
  std::uint64_t parent_span_ = 0;
  std::uint64_t begin_ = 0;  ///< if sampled a tick (ticks.hpp), else nanoseconds of Clock, roughly
  std::string status_message_;
  std::unique_ptr<detail::Record> data_;  ///< only if sampled, or it may be kept
  detail::Tail* tail_ = nullptr;          ///< where it is gathered, if it is not sampled
};

/// `auto span = trace::start(ctx, "name");`
inline Span start(Context& ctx, std::string_view name, Kind kind = Kind::Internal) { return Span(ctx, name, kind); }

}  // namespace yun::observe::trace

namespace yun {
namespace trace = observe::trace;
}
