#pragma once
// Registry: all metrics of a program. An ordinary object: App makes one and hands it down.
//
//     metrics::Registry registry;
//     metrics::Counter& hits = registry.counter("cache_hits_total", "Lookups answered from the cache.");
//     auto& requests = registry.counters("http_requests_total", "Requests answered.", {"method", "path", "status"});
//     hits.add();
//     requests.with({"GET", "/api/users/{id}", "200"}).add();
//     std::string page = registry.render(metrics::negotiate(accept));
//
// Asking twice for one name with the same kind and labels gives the same metric; with others it is std::logic_error, a bug.
// Names and labels in use are listed in docs/metrics.md.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/observe/metrics/family.hpp"

namespace yun::observe::metrics {

/// Prometheus text format 0.0.4 or OpenMetrics 1.0 (which has exemplars).
enum class Format { Text, OpenMetrics };
/// The better of the two for an Accept header; Text when it has no opinion.
Format negotiate(std::string_view accept);
/// For Content-Type.
std::string_view content_type(Format format);

struct RegistryOptions {
  std::size_t max_series = 2000;  ///< a family; what is beyond counts in the series whose label values are all "overflow"
};

/// Takes the samples of a callback: one value for each set of label values.
using Sample = std::function<void(std::initializer_list<std::string_view> values, double value)>;
using Collect = std::function<void(const Sample& sample)>;

/// Is shown all that a registry holds: a family's head, then its series.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual void head(std::string_view name, std::string_view help, Kind kind) = 0;
  /// A counter's or a gauge's.
  virtual void sample(std::string_view name, Kind kind, std::span<const std::string> labels, std::span<const std::string> values, double value) = 0;
  virtual void histogram(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                         const Histogram::Snapshot& snapshot) = 0;
};

class Registry {
 public:
  explicit Registry(RegistryOptions options = {}) : options_(options) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& counter(std::string_view name, std::string_view help) { return counters(name, help, {}).with({}); }
  Gauge& gauge(std::string_view name, std::string_view help) { return gauges(name, help, {}).with({}); }
  UpDownCounter& up_down_counter(std::string_view name, std::string_view help) { return up_down_counters(name, help, {}).with({}); }
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> buckets = default_buckets()) {
    return histograms(name, help, {}, std::move(buckets)).with({});
  }

  Family<Counter>& counters(std::string_view name, std::string_view help, std::vector<std::string> labels) {
    return family<Counter>(name, help, std::move(labels), {});
  }
  Family<Gauge>& gauges(std::string_view name, std::string_view help, std::vector<std::string> labels) {
    return family<Gauge>(name, help, std::move(labels), {});
  }
  Family<UpDownCounter>& up_down_counters(std::string_view name, std::string_view help, std::vector<std::string> labels) {
    return family<UpDownCounter>(name, help, std::move(labels), {});
  }
  Family<Histogram>& histograms(std::string_view name, std::string_view help, std::vector<std::string> labels,
                                std::vector<double> buckets = default_buckets()) {
    return family<Histogram>(name, help, std::move(labels), std::move(buckets));
  }

  /// Takes its callback away when it goes; must not outlive the registry.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept : registry_(std::exchange(other.registry_, nullptr)), id_(other.id_) {}
    Registration& operator=(Registration&& other) noexcept {
      std::swap(registry_, other.registry_);
      std::swap(id_, other.id_);
      return *this;
    }
    ~Registration();
    /// Leaves the callback in place for good: what it refers to lives as long as the registry.
    void release() { registry_ = nullptr; }

   private:
    friend class Registry;
    Registration(Registry* registry, std::uint64_t id) : registry_(registry), id_(id) {}
    Registry* registry_ = nullptr;
    std::uint64_t id_ = 0;
  };

  /// A gauge (or counter: Kind::Counter) that is asked for when it is read, on the reader's thread; it must not call the registry. Several callbacks may share a name if
  /// help, kind and labels are the same: their samples are listed together.
  [[nodiscard]] Registration callback(std::string_view name, std::string_view help, Kind kind, std::function<double()> value);
  [[nodiscard]] Registration callback(std::string_view name, std::string_view help, Kind kind, std::vector<std::string> labels, Collect collect);

  /// Everything, by name.
  std::string render(Format format = Format::Text) const;
  /// The same, for another form of it. `reader` must not call the registry.
  void read(Reader& reader) const;

 private:
  struct Callback {
    std::string name;
    std::string help;
    Kind kind;
    std::vector<std::string> labels;
    Collect collect;
  };

  template <typename T>
  Family<T>& family(std::string_view name, std::string_view help, std::vector<std::string> labels, typename T::Options options);
  void check(std::string_view name, Kind kind, const std::vector<std::string>& labels) const;
  [[noreturn]] static void conflict(std::string_view name);

  const RegistryOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<FamilyBase>, std::less<>> families_;
  std::map<std::uint64_t, Callback> callbacks_;
  std::uint64_t next_callback_ = 1;
};

template <typename T>
Family<T>& Registry::family(std::string_view name, std::string_view help, std::vector<std::string> labels, typename T::Options options) {
  std::lock_guard lock(mutex_);
  if (const auto found = families_.find(name); found != families_.end()) {
    auto* family = dynamic_cast<Family<T>*>(found->second.get());
    if (!family || family->labels() != labels) conflict(name);
    return *family;
  }
  check(name, T::kKind, labels);
  auto fresh = std::make_unique<Family<T>>(std::string(name), std::string(help), std::move(labels), options_.max_series, std::move(options));
  auto& family = *fresh;
  families_.emplace(std::string(name), std::move(fresh));
  return family;
}

}  // namespace yun::observe::metrics

namespace yun {
namespace metrics = observe::metrics;
}
