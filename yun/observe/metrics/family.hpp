#pragma once
// Family: one metric name with fixed labels, and a series for each set of their values.

#include <atomic>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yun/observe/metrics/instruments.hpp"

namespace yun::observe::metrics {

/// What all families share: the table of series. Reading it takes no lock and allocates nothing; series are only ever added.
class FamilyBase {
 public:
  virtual ~FamilyBase();
  FamilyBase(const FamilyBase&) = delete;
  FamilyBase& operator=(const FamilyBase&) = delete;

  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  Kind kind() const { return kind_; }
  const std::vector<std::string>& labels() const { return labels_; }
  /// All series there are now, by label values.
  std::vector<const Series*> series() const;
  /// Series refused so far because the family was full; they count in the one with "overflow" as each value.
  std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }

 protected:
  FamilyBase(std::string name, std::string help, Kind kind, std::vector<std::string> labels, std::size_t max_series);
  /// The series of these values; a new one if there is none, the overflow one if there are max_series.
  Series& find(std::span<const std::string_view> values);

 private:
  struct Table;
  virtual std::unique_ptr<Series> make() const = 0;
  static Series* look_up(const Table& table, std::uint64_t hash, std::span<const std::string_view> values);
  Series& add(std::uint64_t hash, std::span<const std::string_view> values);
  Series& insert(std::uint64_t hash, std::vector<std::string> values);
  [[noreturn]] void wrong_count(std::size_t count) const;

  const std::string name_;
  const std::string help_;
  const Kind kind_;
  const std::vector<std::string> labels_;
  const std::size_t max_series_;
  std::atomic<Table*> table_;
  mutable std::mutex mutex_;                   ///< over what follows
  std::vector<std::unique_ptr<Table>> tables_; ///< the present one last; the others may still be read
  std::vector<std::unique_ptr<Series>> series_;
  Series* overflow_ = nullptr;
  std::atomic<std::uint64_t> overflows_{0};
};

/// T: Counter, Gauge, UpDownCounter or Histogram.
///
///     Family<Counter>& requests = registry.counters("http_requests_total", "requests", {"method", "status"});
///     requests.with({"GET", "200"}).add();
template <typename T>
class Family final : public FamilyBase {
 public:
  Family(std::string name, std::string help, std::vector<std::string> labels, std::size_t max_series, typename T::Options options)
      : FamilyBase(std::move(name), std::move(help), T::kKind, std::move(labels), max_series), options_(std::move(options)) {}

  /// As many values as there are labels (else std::logic_error: a bug). The reference stays valid as long as the registry: bind it once
  /// where the values are known beforehand.
  T& with(std::initializer_list<std::string_view> values) { return with(std::span(values.begin(), values.size())); }
  T& with(std::span<const std::string_view> values) { return static_cast<T&>(find(values)); }
  const typename T::Options& options() const { return options_; }

 private:
  std::unique_ptr<Series> make() const override { return std::make_unique<T>(options_); }
  typename T::Options options_;
};

}  // namespace yun::observe::metrics
