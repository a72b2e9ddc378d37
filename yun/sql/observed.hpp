#pragma once
// What every call of a Pool leaves behind: metrics, a span, a log line on failure. Private to the room.

#include <array>
#include <memory>
#include <string_view>

#include "yun/observe/metrics/registry.hpp"
#include "yun/observe/trace/trace.hpp"
#include "yun/sql/pool.hpp"

namespace yun::sql {

/// By the statement's first word.
Operation operation_of(std::string_view text);
std::string_view name(Operation operation);

/// The first table that a statement names, or "": what stands behind FROM, INTO or UPDATE.
std::string_view table_of(std::string_view text);

/// The pool's metrics, bound once.
class Meters {
 public:
  Meters(metrics::Registry& registry, std::string_view pool, const std::shared_ptr<Driver>& driver);
  void count(Operation operation, Code code, Duration duration, const trace::SpanContext& trace) const;

 private:
  static constexpr std::size_t kOperations = static_cast<std::size_t>(Operation::Other) + 1;
  metrics::Family<metrics::Counter>& queries_;
  std::array<metrics::Counter*, kOperations> ok_{};
  std::array<metrics::Histogram*, kOperations> durations_{};
  std::array<metrics::Registry::Registration, 6> callbacks_;
};

/// One call: from here to end().
class Observed {
 public:
  Observed(const Meters* meters, Context& ctx, Operation operation);
  /// OpenTelemetry's database attributes. `text` may be empty; it has marks where values are.
  void describe(Dialect dialect, const Place& place, std::string_view text);
  template <typename T>
  void end(const Result<T>& result) {
    finish(result ? nullptr : &result.error());
  }

 private:
  void finish(const Error* error);
  const Meters* meters_;
  Context& ctx_;
  Operation operation_;
  TimePoint began_;
  std::string name_;  ///< the span's, if it is sampled
  trace::Span span_;
};

}  // namespace yun::sql
