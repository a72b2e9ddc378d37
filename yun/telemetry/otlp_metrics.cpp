#include "yun/telemetry/otlp_metrics.hpp"

#include "yun/base/protobuf_writer.hpp"
#include "yun/telemetry/otlp_ids.hpp"

namespace yun::telemetry::otlp {

namespace {

namespace m = observe::metrics;
using Writer = ProtobufWriter;

constexpr std::uint64_t kCumulative = 2;

/// UCUM's word for the unit that a name ends in, "" if it names none.
std::string_view unit_of(std::string_view name) {
  if (name.ends_with("_seconds")) return "s";
  if (name.ends_with("_bytes")) return "By";
  if (name.ends_with("_ratio")) return "1";
  return "";
}

void write_labels(Writer& out, std::uint32_t field, std::span<const std::string> labels, std::span<const std::string> values) {
  for (std::size_t i = 0; i < labels.size() && i < values.size(); ++i) {
    out.message(field, [&] {
      out.text(1, labels[i]);
      out.message(2, [&] { out.text(1, values[i]); });
    });
  }
}

void write_exemplar(Writer& out, const m::Histogram::Exemplar& exemplar) {
  out.message(8, [&] {
    out.fixed64(2, static_cast<std::uint64_t>(std::chrono::nanoseconds(exemplar.time.time_since_epoch()).count()));
    out.real(3, exemplar.value);
    write_id(out, 4, exemplar.trace.span);
    write_trace_id(out, 5, exemplar.trace);
  });
}

}  // namespace

void MetricsEncoder::head(std::string_view name, std::string_view help, m::Kind kind) {
  end_metric();
  if (kind == m::Kind::Counter && name.ends_with("_total")) name.remove_suffix(6);
  name_ = name;
  help_ = help;
  kind_ = kind;
}

void MetricsEncoder::sample(std::string_view, m::Kind, std::span<const std::string> labels, std::span<const std::string> values, double value) {
  Writer out(data_);
  out.message(1, [&] {
    out.fixed64(2, start_);
    out.fixed64(3, now_);
    out.real(4, value);
    write_labels(out, 7, labels, values);
  });
  ++points_;
}

void MetricsEncoder::histogram(std::string_view, std::span<const std::string> labels, std::span<const std::string> values,
                               const m::Histogram::Snapshot& snapshot) {
  Writer out(data_);
  out.message(1, [&] {
    out.fixed64(2, start_);
    out.fixed64(3, now_);
    out.fixed64(4, snapshot.count);
    out.real(5, snapshot.sum);
    out.fixed64s(6, snapshot.counts);
    out.reals(7, snapshot.bounds);
    for (const auto& exemplar : snapshot.exemplars) {
      if (exemplar) write_exemplar(out, *exemplar);
    }
    write_labels(out, 9, labels, values);
  });
  ++points_;
}

void MetricsEncoder::end_metric() {
  if (data_.empty()) return;
  Writer out(out_);
  out.message(2, [&] {
    out.text(1, name_);
    if (!help_.empty()) out.text(2, help_);
    if (const auto unit = unit_of(name_); !unit.empty()) out.text(3, unit);
    const std::uint32_t field = kind_ == m::Kind::Gauge ? 5 : kind_ == m::Kind::Counter ? 7 : 9;
    out.message(field, [&] {
      out_ += data_;
      if (kind_ != m::Kind::Gauge) out.integer(2, kCumulative);
      if (kind_ == m::Kind::Counter) out.integer(3, 1);
    });
  });
  data_.clear();
}

std::string MetricsEncoder::take() {
  end_metric();
  return std::move(out_);
}

}  // namespace yun::telemetry::otlp
