#include "yun/app/debug/samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "yun/base/strings.hpp"

namespace yun::app::debug {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// `name="value",..}` with \\, \" and \n in the values; `text` goes on behind the brace.
Labels read_labels(std::string_view& text) {
  Labels labels;
  while (!text.empty() && text.front() != '}') {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) break;
    std::string name(text.substr(0, equals));
    std::string value;
    text.remove_prefix(equals + 2);
    while (!text.empty() && text.front() != '"') {
      if (text.front() == '\\' && text.size() > 1) {
        text.remove_prefix(1);
        value += text.front() == 'n' ? '\n' : text.front();
      } else {
        value += text.front();
      }
      text.remove_prefix(1);
    }
    if (!text.empty()) text.remove_prefix(1);
    if (!text.empty() && text.front() == ',') text.remove_prefix(1);
    labels.emplace_back(std::move(name), std::move(value));
  }
  if (!text.empty()) text.remove_prefix(1);
  return labels;
}

double read_number(std::string_view text) {
  const std::string number(trim(text));
  if (number == "+Inf") return std::numeric_limits<double>::infinity();
  return std::strtod(number.c_str(), nullptr);
}

Series& series_of(MetricFamily& family, Labels labels) {
  // A series' lines follow each other.
  if (family.series.empty() || family.series.back().labels != labels) family.series.push_back({std::move(labels), 0, {}});
  return family.series.back();
}

void take_sample(MetricFamily& family, std::string_view line) {
  const std::size_t end = std::min(line.find_first_of("{ "), line.size());
  const std::string_view suffix = line.substr(0, end).substr(std::min(end, family.name.size()));
  line.remove_prefix(end);
  Labels labels;
  if (line.starts_with('{')) {
    line.remove_prefix(1);
    labels = read_labels(line);
  }
  double bound = 0;
  std::erase_if(labels, [&](const auto& one) {
    if (one.first != "le" || family.kind != "histogram") return false;
    bound = read_number(one.second);
    return true;
  });
  Series& series = series_of(family, std::move(labels));
  const double value = read_number(line);
  if (family.kind != "histogram") series.value = value;
  else if (suffix == "_bucket") series.buckets.upto.emplace_back(bound, value);
  else if (suffix == "_sum") series.buckets.sum = value;
  else if (suffix == "_count") series.buckets.count = value;
}

json::Value row_of(const MetricFamily& family, const Series& series) {
  json::Value row = json::Value::object();
  for (const auto& [name, value] : series.labels) row[name] = value;
  if (family.kind == "histogram") {
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

std::vector<MetricFamily> read_samples(std::string_view text) {
  std::vector<MetricFamily> families;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool help = line.starts_with("# HELP ");
    const bool type = line.starts_with("# TYPE ");
    if (help || type) {
      line.remove_prefix(7);
      const std::size_t space = std::min(line.find(' '), line.size());
      if (families.empty() || families.back().name != line.substr(0, space)) families.push_back({std::string(line.substr(0, space)), {}, {}, {}});
      (help ? families.back().help : families.back().kind) = trim(line.substr(space));
    } else if (!line.empty() && !line.starts_with('#') && !families.empty()) {
      take_sample(families.back(), line);
    }
  }
  return families;
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
