#pragma once
// The four things that count: Counter, Gauge, UpDownCounter, Histogram. Made by a Registry, which owns them; all calls are thread-safe.

#include <atomic>
#include <concepts>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "yun/base/units.hpp"
#include "yun/observe/context.hpp"
#include "yun/observe/metrics/cells.hpp"

namespace yun::observe::metrics {

enum class Kind : std::uint8_t { Counter, Gauge, Histogram };

/// One set of label values of a family.
class Series {
 public:
  virtual ~Series() = default;
  Series() = default;
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  friend class FamilyBase;
  std::uint64_t hash_ = 0;
  std::vector<std::string> labels_;
};

/// Only ever grows. A name that ends in "_total".
class Counter final : public Series {
 public:
  static constexpr Kind kKind = Kind::Counter;
  struct Options {};
  explicit Counter(const Options&) {}

  /// `by` is not negative.
  template <std::integral T = int>
  void add(T by = 1) {
    cells_.count(0, static_cast<std::uint64_t>(by));
  }
  void add(double by) { cells_.add(1, by); }
  /// Seconds.
  void add(Duration by) { add(std::chrono::duration<double>(by).count()); }
  double value() const { return static_cast<double>(cells_.total(0)) + cells_.sum(1); }

 private:
  Cells cells_{2};  ///< whole steps, and what is not whole
};

/// A value that is set. For counting up and down from many threads UpDownCounter is cheaper.
class Gauge final : public Series {
 public:
  static constexpr Kind kKind = Kind::Gauge;
  struct Options {};
  explicit Gauge(const Options&) {}

  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double by) { value_.fetch_add(by, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<double> value_{0};
};

/// A gauge that is only added to and subtracted from: what is in flight, open, queued.
class UpDownCounter final : public Series {
 public:
  static constexpr Kind kKind = Kind::Gauge;
  struct Options {};
  explicit UpDownCounter(const Options&) {}

  template <std::integral T = int>
  void add(T by = 1) {
    cells_.count(0, static_cast<std::uint64_t>(by));
  }
  template <std::integral T = int>
  void sub(T by = 1) {
    cells_.count(0, ~static_cast<std::uint64_t>(by) + 1);
  }
  void add(double by) { cells_.add(1, by); }
  void sub(double by) { cells_.add(1, -by); }
  double value() const { return static_cast<double>(cells_.total(0)) + cells_.sum(1); }

 private:
  Cells cells_{2};
};

/// Prometheus's default buckets, for durations in seconds.
std::vector<double> default_buckets();
/// `count` bounds, each `factor` times the one before.
std::vector<double> exponential_buckets(double first, double factor, unsigned count);

/// Counts of observations by upper bound, and their sum.
class Histogram final : public Series {
 public:
  static constexpr Kind kKind = Kind::Histogram;
  /// Upper bounds, rising, without +Inf.
  using Options = std::vector<double>;
  explicit Histogram(const Options& bounds) : bounds_(bounds), cells_(bounds.size() + 2) {}

  void observe(double value) {
    std::size_t i = 0;
    while (i < bounds_.size() && value > bounds_[i]) ++i;
    cells_.count(1 + i, 1);
    cells_.add(0, value);
  }
  /// Seconds.
  void observe(Duration duration) { observe(std::chrono::duration<double>(duration).count()); }
  /// Also keeps the trace as the bucket's exemplar, if it is sampled.
  void observe(double value, const trace::SpanContext& trace) {
    observe(value);
    if (trace.sampled) keep_exemplar(value, trace);
  }
  void observe(Duration duration, const trace::SpanContext& trace) { observe(std::chrono::duration<double>(duration).count(), trace); }

  struct Exemplar {
    trace::SpanContext trace;
    double value = 0;
    Time time;
  };
  struct Snapshot {
    std::vector<double> bounds;
    std::vector<std::uint64_t> counts;  ///< by bucket, not cumulative; one more than bounds
    double sum = 0;
    std::uint64_t count = 0;
    std::vector<std::optional<Exemplar>> exemplars;  ///< as counts, or empty
  };
  Snapshot snapshot() const;

 private:
  void keep_exemplar(double value, const trace::SpanContext& trace);

  const std::vector<double> bounds_;
  Cells cells_;  ///< the sum, then the buckets
  mutable std::mutex exemplars_mutex_;
  std::vector<std::optional<Exemplar>> exemplars_;
};

}  // namespace yun::observe::metrics
