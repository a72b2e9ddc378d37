#include "yun/observe/metrics/family.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "yun/base/strings.hpp"

namespace yun::observe::metrics {
namespace {

std::uint64_t hash_of(std::span<const std::string_view> values) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ull;
  for (const auto value : values) hash = (hash ^ std::hash<std::string_view>{}(value)) * 0xff51afd7ed558ccdull;
  return hash ^ (hash >> 32);
}

/// Label values are UTF-8 in every format; what is not becomes U+FFFD, byte by byte.
std::string to_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string clean;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80)
      clean += c;
    else
      clean += "\xef\xbf\xbd";
  }
  return clean;
}

}  // namespace

/// Open addressing, at most half full, a power of two. Slots go from null to a series and never back.
struct FamilyBase::Table {
  explicit Table(std::size_t size) : slots(size) {}
  void put(Series* series) {
    std::size_t at = series->hash_ & (slots.size() - 1);
    while (slots[at].load(std::memory_order_relaxed)) at = (at + 1) & (slots.size() - 1);
    slots[at].store(series, std::memory_order_release);
  }
  std::vector<std::atomic<Series*>> slots;
};

FamilyBase::FamilyBase(std::string name, std::string help, Kind kind, std::vector<std::string> labels, std::size_t max_series)
    : name_(std::move(name)), help_(std::move(help)), kind_(kind), labels_(std::move(labels)), max_series_(max_series) {
  tables_.push_back(std::make_unique<Table>(16));
  table_.store(tables_.back().get(), std::memory_order_release);
}

FamilyBase::~FamilyBase() = default;

std::vector<const Series*> FamilyBase::series() const {
  std::vector<const Series*> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& one : series_) all.push_back(one.get());
  }
  std::sort(all.begin(), all.end(), [](const Series* a, const Series* b) { return a->labels() < b->labels(); });
  return all;
}

Series& FamilyBase::find(std::span<const std::string_view> values) {
  if (values.size() != labels_.size()) wrong_count(values.size());
  const std::uint64_t hash = hash_of(values);
  if (Series* found = look_up(*table_.load(std::memory_order_acquire), hash, values)) return *found;
  return add(hash, values);
}

Series* FamilyBase::look_up(const Table& table, std::uint64_t hash, std::span<const std::string_view> values) {
  const std::size_t mask = table.slots.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    Series* series = table.slots[at].load(std::memory_order_acquire);
    if (!series) return nullptr;
    if (series->hash_ == hash && std::equal(values.begin(), values.end(), series->labels_.begin())) return series;
  }
}

Series& FamilyBase::add(std::uint64_t hash, std::span<const std::string_view> values) {
  std::vector<std::string> clean;
  for (const auto value : values) clean.push_back(to_utf8(value));
  const std::vector<std::string_view> views(clean.begin(), clean.end());
  if (!std::equal(views.begin(), views.end(), values.begin())) return find(views);

  std::lock_guard lock(mutex_);
  if (Series* found = look_up(*table_.load(std::memory_order_acquire), hash, values)) return *found;
  if (overflow_ || series_.size() >= max_series_) {
    overflows_.fetch_add(1, std::memory_order_relaxed);
    if (!overflow_) {
      const std::vector<std::string_view> names(labels_.size(), "overflow");
      Series* found = look_up(*table_.load(std::memory_order_acquire), hash_of(names), names);
      overflow_ = found ? found : &insert(hash_of(names), std::vector<std::string>(labels_.size(), "overflow"));
    }
    return *overflow_;
  }
  return insert(hash, std::move(clean));
}

Series& FamilyBase::insert(std::uint64_t hash, std::vector<std::string> values) {
  auto fresh = make();
  fresh->hash_ = hash;
  fresh->labels_ = std::move(values);
  series_.push_back(std::move(fresh));
  Table* table = tables_.back().get();
  if (series_.size() * 2 > table->slots.size()) {
    tables_.push_back(std::make_unique<Table>(table->slots.size() * 2));
    table = tables_.back().get();
    for (const auto& series : series_) table->put(series.get());
    table_.store(table, std::memory_order_release);
  } else {
    table->put(series_.back().get());
  }
  return *series_.back();
}

void FamilyBase::wrong_count(std::size_t count) const {
  throw std::logic_error("metric " + name_ + " has " + std::to_string(labels_.size()) + " labels, " + std::to_string(count) +
                         " values were given");
}

}  // namespace yun::observe::metrics
