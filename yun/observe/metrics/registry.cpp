#include "yun/observe/metrics/registry.hpp"

#include <algorithm>
#include <stdexcept>

#include "yun/base/strings.hpp"
#include "yun/observe/metrics/text.hpp"

namespace yun::observe::metrics {
namespace {

bool is_name(std::string_view text, bool colons) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [colons](char c) {
    return c == '_' || (colons && c == ':') || is_alnum(c);
  });
}

void read_family(Reader& reader, const FamilyBase& family) {
  const auto all = family.series();
  if (all.empty()) return;
  reader.head(family.name(), family.help(), family.kind());
  for (const Series* series : all) {
    if (const auto* histogram = dynamic_cast<const Histogram*>(series)) {
      reader.histogram(family.name(), family.labels(), series->labels(), histogram->snapshot());
      continue;
    }
    double value = 0;
    if (const auto* counter = dynamic_cast<const Counter*>(series)) value = counter->value();
    if (const auto* gauge = dynamic_cast<const Gauge*>(series)) value = gauge->value();
    if (const auto* up_down = dynamic_cast<const UpDownCounter*>(series)) value = up_down->value();
    reader.sample(family.name(), family.kind(), family.labels(), series->labels(), value);
  }
}

}  // namespace

Registry::Registration::~Registration() {
  if (!registry_) return;
  std::lock_guard lock(registry_->mutex_);
  registry_->callbacks_.erase(id_);
}

Registry::Registration Registry::callback(std::string_view name, std::string_view help, Kind kind, std::function<double()> value) {
  return callback(name, help, kind, {}, [value = std::move(value)](const Sample& sample) { sample({}, value()); });
}

Registry::Registration Registry::callback(std::string_view name, std::string_view help, Kind kind, std::vector<std::string> labels,
                                          Collect collect) {
  std::lock_guard lock(mutex_);
  if (kind == Kind::Histogram || families_.contains(name)) conflict(name);
  bool is_new = true;
  for (const auto& [id, other] : callbacks_) {
    if (other.name != name) continue;
    if (other.kind != kind || other.labels != labels) conflict(name);
    is_new = false;
  }
  if (is_new) check(name, kind, labels);
  const std::uint64_t id = next_callback_++;
  callbacks_.emplace(id, Callback{std::string(name), std::string(help), kind, std::move(labels), std::move(collect)});
  return Registration(this, id);
}

std::string Registry::render(Format format) const {
  std::string out;
  TextWriter writer(out, format);
  read(writer);
  writer.finish();
  return out;
}

void Registry::read(Reader& reader) const {
  // Callbacks run under the lock: a Registration that goes waits for them, so that they never see what is gone.
  std::lock_guard lock(mutex_);
  std::map<std::string_view, std::vector<const Callback*>> callbacks;
  for (const auto& [id, callback] : callbacks_) callbacks[callback.name].push_back(&callback);
  const auto read_callbacks = [&](const std::vector<const Callback*>& group) {
    const Callback& first = *group.front();
    reader.head(first.name, first.help, first.kind);
    for (const Callback* callback : group) {
      callback->collect([&](std::initializer_list<std::string_view> values, double value) {
        const std::vector<std::string> texts(values.begin(), values.end());
        if (texts.size() == first.labels.size()) reader.sample(first.name, first.kind, first.labels, texts, value);
      });
    }
  };
  auto next = callbacks.begin();
  for (const auto& [name, family] : families_) {
    for (; next != callbacks.end() && next->first < name; ++next) read_callbacks(next->second);
    read_family(reader, *family);
  }
  for (; next != callbacks.end(); ++next) read_callbacks(next->second);
}

void Registry::check(std::string_view name, Kind kind, const std::vector<std::string>& labels) const {
  if (!is_name(name, true)) throw std::logic_error("invalid metric name \"" + std::string(name) + "\"");
  for (const auto& [id, callback] : callbacks_)
    if (callback.name == name) conflict(name);
  for (const std::string& label : labels)
    if (!is_name(label, false) || label.starts_with("__") || (kind == Kind::Histogram && label == "le"))
      throw std::logic_error("metric " + std::string(name) + ": invalid label name \"" + label + "\"");
}

void Registry::conflict(std::string_view name) {
  throw std::logic_error("metric " + std::string(name) + " is there already with another kind or other labels");
}

}  // namespace yun::observe::metrics
