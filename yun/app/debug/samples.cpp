#include "yun/app/debug/samples.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace yun::app::debug {
namespace {

class Samples final : public observe::metrics::Reader {
 public:
  void head(std::string_view name, std::string_view help, observe::metrics::Kind kind) override {
    families.push_back({std::string(name), std::string(help), kind, {}});
  }
  void sample(std::string_view, observe::metrics::Kind, std::span<const std::string> labels, std::span<const std::string> values, double value) override {
    add(labels, values).value = value;
  }
  void histogram(std::string_view, std::span<const std::string> labels, std::span<const std::string> values,
                 const observe::metrics::Histogram::Snapshot& snapshot) override {
    Buckets& buckets = add(labels, values).buckets;
    buckets.sum = snapshot.sum;
    buckets.count = static_cast<double>(snapshot.count);
    std::uint64_t upto = 0;
    for (std::size_t i = 0; i < snapshot.counts.size(); ++i) {
      upto += snapshot.counts[i];
      buckets.upto.emplace_back(i < snapshot.bounds.size() ? snapshot.bounds[i] : std::numeric_limits<double>::infinity(), static_cast<double>(upto));
    }
  }
  std::vector<MetricFamily> families;

 private:
  Series& add(std::span<const std::string> labels, std::span<const std::string> values) {
    Series& series = families.back().series.emplace_back();
    for (std::size_t i = 0; i < labels.size() && i < values.size(); ++i) series.labels.emplace_back(labels[i], values[i]);
    return series;
  }
};

json::Value row_of(const MetricFamily& family, const Series& series) {
  json::Value row = json::Value::object();
  for (const auto& [name, value] : series.labels) row[name] = value;
  if (family.kind == observe::metrics::Kind::Histogram) {
    const Buckets& buckets = series.buckets;
    row["count"] = buckets.count;
    row["mean"] = buckets.count > 0 ? buckets.sum / buckets.count : 0.0;
    row["p50"] = buckets.quantile(0.5);
    row["p99"] = buckets.quantile(0.99);
  } else {
    row["value"] = series.value;
  }
  return row;
}

}  // namespace

double Buckets::quantile(double q) const {
  if (count <= 0 || upto.empty()) return 0;
  const double rank = q * count;
  double from = 0;
  double below = 0;
  for (const auto& [bound, cumulative] : upto) {
    if (cumulative >= rank && cumulative > below) return std::isinf(bound) ? from : from + (bound - from) * (rank - below) / (cumulative - below);
    if (!std::isinf(bound)) from = bound;
    below = cumulative;
  }
  return from;
}

Buckets Buckets::since(const Buckets& before) const {
  if (before.upto.size() != upto.size()) return *this;
  Buckets change = *this;
  change.sum -= before.sum;
  change.count -= before.count;
  for (std::size_t i = 0; i < upto.size(); ++i) change.upto[i].second -= before.upto[i].second;
  return change;
}

std::string_view Series::label(std::string_view name) const {
  const auto found = std::ranges::find(labels, name, &std::pair<std::string, std::string>::first);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<MetricFamily> read_samples(const observe::metrics::Registry& registry) {
  Samples samples;
  registry.read(samples);
  return std::move(samples.families);
}

const MetricFamily* find_family(const std::vector<MetricFamily>& families, std::string_view name) {
  const auto found = std::ranges::find(families, name, &MetricFamily::name);
  return found == families.end() ? nullptr : &*found;
}

json::Value tables(const std::vector<MetricFamily>& families, const std::vector<std::string_view>& prefixes) {
  json::Value all = json::Value::object();
  for (const MetricFamily& family : families) {
    if (family.series.empty() || !std::ranges::any_of(prefixes, [&](std::string_view prefix) { return family.name.starts_with(prefix); })) continue;
    json::Value& table = all[family.name];
    table = json::Array{};
    for (const Series& series : family.series) table.push_back(row_of(family, series));
  }
  return all;
}

}  // namespace yun::app::debug
