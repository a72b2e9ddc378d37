#include "yun/observe/metrics/text.hpp"

#include <charconv>
#include <cmath>

#include "yun/base/strings.hpp"

namespace yun::observe::metrics {
namespace {

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char digits[32];
    const bool whole = std::fabs(value) < 1e15 && value == std::trunc(value);
    const auto end = whole ? std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(value)).ptr
                           : std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
  }
}

/// A label of OpenMetrics is a canonical number: "1.0", not "1".
std::string bound_text(double bound, Format format) {
  std::string text;
  append_number(text, bound);
  if (format == Format::OpenMetrics && text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::Counter: return "counter";
    case Kind::Gauge: return "gauge";
    case Kind::Histogram: return "histogram";
  }
  return "unknown";
}

}  // namespace

void TextWriter::head(std::string_view name, std::string_view help, Kind kind) {
  const std::string_view shown = stem(name, kind);
  out_.append("# HELP ").append(shown).append(" ");
  append_escaped(out_, help, format_ == Format::OpenMetrics);
  out_.append("\n# TYPE ").append(shown).append(" ").append(kind_name(kind)).append("\n");
}

void TextWriter::sample(std::string_view name, Kind kind, std::span<const std::string> labels, std::span<const std::string> values,
                        double value) {
  out_.append(stem(name, kind));
  if (format_ == Format::OpenMetrics && kind == Kind::Counter) out_ += "_total";
  label_set(labels, values);
  out_ += ' ';
  append_number(out_, value);
  out_ += '\n';
}

void TextWriter::histogram(std::string_view name, std::span<const std::string> labels, std::span<const std::string> values,
                           const Histogram::Snapshot& snapshot) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < snapshot.counts.size(); ++i) {
    below += snapshot.counts[i];
    out_.append(name).append("_bucket");
    label_set(labels, values, i < snapshot.bounds.size() ? bound_text(snapshot.bounds[i], format_) : "+Inf");
    out_ += ' ';
    out_ += std::to_string(below);
    if (format_ == Format::OpenMetrics && !snapshot.exemplars.empty() && snapshot.exemplars[i]) exemplar(*snapshot.exemplars[i]);
    out_ += '\n';
  }
  out_.append(name).append("_sum");
  label_set(labels, values);
  out_ += ' ';
  append_number(out_, snapshot.sum);
  out_.append("\n").append(name).append("_count");
  label_set(labels, values);
  out_.append(" ").append(std::to_string(snapshot.count)).append("\n");
}

void TextWriter::finish() {
  if (format_ == Format::OpenMetrics) out_ += "# EOF\n";
}

/// OpenMetrics names a counter's family without "_total" and its sample with it.
std::string_view TextWriter::stem(std::string_view name, Kind kind) const {
  if (format_ == Format::OpenMetrics && kind == Kind::Counter && name.ends_with("_total")) name.remove_suffix(6);
  return name;
}

void TextWriter::label_set(std::span<const std::string> labels, std::span<const std::string> values, std::string_view le) {
  if (labels.empty() && le.empty()) return;
  char separator = '{';
  for (std::size_t i = 0; i < labels.size(); ++i) {
    out_ += separator;
    separator = ',';
    out_.append(labels[i]).append("=\"");
    append_escaped(out_, values[i], true);
    out_ += '"';
  }
  if (!le.empty()) {
    out_ += separator;
    out_.append("le=\"").append(le).append("\"");
  }
  out_ += '}';
}

void TextWriter::exemplar(const Histogram::Exemplar& exemplar) {
  char id[32];
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) {
    id[i] = kDigits[(exemplar.trace.trace_high >> (60 - 4 * i)) & 15];
    id[16 + i] = kDigits[(exemplar.trace.trace_low >> (60 - 4 * i)) & 15];
  }
  out_.append(" # {trace_id=\"").append(id, sizeof id).append("\"} ");
  append_number(out_, exemplar.value);
  const std::int64_t micros = exemplar.time.time_since_epoch().count();
  const std::string millis = std::to_string(micros / 1000 % 1000);
  out_.append(" ").append(std::to_string(micros / 1'000'000)).append(".").append(3 - millis.size(), '0').append(millis);
}

Format negotiate(std::string_view accept) {
  double open_metrics = -1, text = -1;
  for (const std::string_view range : split(accept, ',')) {
    const auto parts = split(range, ';');
    if (parts.empty()) continue;
    double quality = 1;
    std::string_view version;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      if (parts[i].starts_with("q=")) {
        const auto digits = parts[i].substr(2);
        if (std::from_chars(digits.data(), digits.data() + digits.size(), quality).ec != std::errc()) quality = 0;
      } else if (parts[i].starts_with("version=")) {
        version = parts[i].substr(8);
        if (version.size() >= 2 && version.front() == '"') version = version.substr(1, version.size() - 2);
      }
    }
    if (iequals(parts[0], "application/openmetrics-text")) {
      if (version.empty() || version == "1.0.0") open_metrics = std::max(open_metrics, quality);
    } else if (iequals(parts[0], "text/plain") || parts[0] == "text/*" || parts[0] == "*/*") {
      text = std::max(text, quality);
    }
  }
  return open_metrics > 0 && open_metrics >= text ? Format::OpenMetrics : Format::Text;
}

std::string_view content_type(Format format) {
  return format == Format::OpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace yun::observe::metrics
