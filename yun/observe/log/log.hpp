#pragma once
// Logs: one JSON object a line, on stdout by default.
//
//     log::start({.service = "order"});
//     log::info(ctx, "order placed", {{"order", id}, {"items", items.size()}});
//     log::warn("cache is off", {{"error", error}});
//     log::stop();
//
// {"ts":"2026-11-23T12:00:00.000000Z","level":"info","msg":"order placed","service":"order","trace_id":"..","span_id":"..",
//  "request_id":"..","order":"7","items":2}
//
// A call records its line in a ring of its own thread; one thread makes JSON of it and writes. It never blocks and never waits: when the ring is
// full the line is dropped and counted (dropped(), metric log_dropped_total). A level that is off costs one relaxed load. A line is written within
// 10 ms while there are others, else at once or, after a short silence, within 64 ms; warnings and errors, and all before them, at once. A signal
// that kills the process (a bad pointer, abort()) waits for the lines, an output that hangs for no longer than half a second.
// Before start() and after stop() lines are written at once, by the caller. Lines of one thread keep their order.

#include <algorithm>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/base/units.hpp"
#include "yun/observe/key.hpp"

namespace yun {
class Context;
}

namespace yun::observe::log {

enum class Level : std::uint8_t { Debug, Info, Warn, Error, Off };

/// "debug", "info", "warn", "error", "off".
std::string_view name(Level level);
Result<Level> parse_level(std::string_view text);

class Record;

/// What a field can hold. Refers to text and errors: they must outlive the call, not more.
class Value {
 public:
  Value(std::string_view text) : size_(static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), UINT32_MAX))), text_(text.data()) {}
  Value(const std::string& text) : Value(std::string_view(text)) {}
  Value(const char* text) : Value(std::string_view(text ? text : "")) {}
  Value(bool value) : kind_(Kind::Bool), bits_(value) {}
  template <std::signed_integral T>
  Value(T value) : kind_(Kind::Signed), bits_(static_cast<std::uint64_t>(std::int64_t{value})) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Value(T value) : kind_(Kind::Unsigned), bits_(value) {}
  Value(double value) : kind_(Kind::Double), bits_(std::bit_cast<std::uint64_t>(value)) {}
  /// Written as seconds: 0.0125.
  template <typename Rep, typename Period>
  Value(std::chrono::duration<Rep, Period> value)
      : kind_(Kind::Duration), bits_(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(value).count())) {}
  /// RFC 3339.
  Value(Time time) : kind_(Kind::Time), bits_(static_cast<std::uint64_t>(time.time_since_epoch().count())) {}
  /// Its to_string(): code, message and causes.
  Value(const Error& error) : kind_(Kind::Error), error_(&error) {}

 private:
  friend class Record;
  enum class Kind : std::uint8_t { Text, Bool, Signed, Unsigned, Double, Duration, Time, Error };
  std::string_view text() const { return {text_, size_}; }

  std::uint32_t size_ = 0;  ///< of a text
  Kind kind_ = Kind::Text;
  union {
    const char* text_;
    std::uint64_t bits_;  ///< the numbers
    const Error* error_;
  };
};

struct Field {
  Key key;
  Value value;
};
using Fields = std::initializer_list<Field>;

/// Where lines go besides the output: exporters implement it.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Whole lines, each with its '\n', on the writer's thread (or the caller's, before start). Must not log. Should not take long: while it
  /// does, rings fill.
  virtual void write(std::string_view lines) noexcept = 0;
  /// On stop().
  virtual void flush() noexcept {}
};

struct Options {
  std::string service = {};                      ///< "" leaves the field out
  Level level = Level::Info;
  std::string output = "stdout";                 ///< "stdout", "stderr", "none" or a file, which is appended to
  std::size_t ring_size = 256 << 10;             ///< bytes a thread that logs, rounded up to a power of two; longer lines than half of it are dropped
  std::size_t max_text = 8 << 10;                ///< bytes of one text value; the rest is cut off
  std::vector<std::shared_ptr<Sink>> sinks = {};
  Duration stop_timeout = std::chrono::seconds(2);  ///< how long stop() waits for an output that blocks
};

/// Starts the writer. Errors: the file cannot be opened; FailedPrecondition if it is running.
Result<void> start(Options options);
/// Writes all that is in the rings, ends the writer. Does nothing if it does not run.
void stop();
/// Waits until what this thread logged so far is written; for tests and before an abort.
void flush();

namespace detail {
extern std::atomic<Level> g_level;
}

inline Level level() { return detail::g_level.load(std::memory_order_relaxed); }
/// From now on, on all threads.
void set_level(Level level);
inline bool enabled(Level wanted) { return wanted >= level(); }
/// Lines lost since the process began: a full ring or an output that failed.
std::uint64_t dropped();
/// Lines logged at `level` since the process began.
std::uint64_t count(Level level);

/// One line, whatever the level that is set. `ctx` may be null.
void write(Level level, Context* ctx, std::string_view message, std::span<const Field> fields);

inline void debug(Context& ctx, std::string_view message, Fields fields = {}) {
  if (enabled(Level::Debug)) write(Level::Debug, &ctx, message, {fields.begin(), fields.size()});
}
inline void debug(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Debug)) write(Level::Debug, nullptr, message, {fields.begin(), fields.size()});
}
inline void info(Context& ctx, std::string_view message, Fields fields = {}) {
  if (enabled(Level::Info)) write(Level::Info, &ctx, message, {fields.begin(), fields.size()});
}
inline void info(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Info)) write(Level::Info, nullptr, message, {fields.begin(), fields.size()});
}
inline void warn(Context& ctx, std::string_view message, Fields fields = {}) {
  if (enabled(Level::Warn)) write(Level::Warn, &ctx, message, {fields.begin(), fields.size()});
}
inline void warn(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Warn)) write(Level::Warn, nullptr, message, {fields.begin(), fields.size()});
}
inline void error(Context& ctx, std::string_view message, Fields fields = {}) {
  if (enabled(Level::Error)) write(Level::Error, &ctx, message, {fields.begin(), fields.size()});
}
inline void error(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Error)) write(Level::Error, nullptr, message, {fields.begin(), fields.size()});
}

/// For what may happen a thousand times a second and is worth one line a minute. Thread-safe; usually a static or a member.
///
///     static log::Occasional occasional;
///     if (auto missed = occasional.pass()) log::warn(ctx, "upstream is away", {{"missed_lines", *missed}});
class Occasional {
 public:
  explicit Occasional(Duration every = std::chrono::minutes(1)) : every_(every) {}
  /// The number of calls refused since the last one that passed, or nullopt: not yet again.
  std::optional<std::uint64_t> pass(TimePoint now = Clock::now());

 private:
  const Duration every_;
  std::atomic<std::int64_t> next_{INT64_MIN};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace yun::observe::log

namespace yun {
namespace log = observe::log;
}
