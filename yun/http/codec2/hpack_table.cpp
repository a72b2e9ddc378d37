// HPACK's two tables.

#include <cstring>

#include "yun/http/codec2/field_check.hpp"
#include "yun/http/codec2/hpack.hpp"

namespace yun::http::codec2 {

namespace {
constexpr std::array<HeaderField, kStaticEntries> kStatic = {{
    {":authority", "", true},
    {":method", "GET", true},
    {":method", "POST", true},
    {":path", "/", true},
    {":path", "/index.html", true},
    {":scheme", "http", true},
    {":scheme", "https", true},
    {":status", "200", true},
    {":status", "204", true},
    {":status", "206", true},
    {":status", "304", true},
    {":status", "400", true},
    {":status", "404", true},
    {":status", "500", true},
    {"accept-charset", "", true},
    {"accept-encoding", "gzip, deflate", true},
    {"accept-language", "", true},
    {"accept-ranges", "", true},
    {"accept", "", true},
    {"access-control-allow-origin", "", true},
    {"age", "", true},
    {"allow", "", true},
    {"authorization", "", true},
    {"cache-control", "", true},
    {"content-disposition", "", true},
    {"content-encoding", "", true},
    {"content-language", "", true},
    {"content-length", "", true},
    {"content-location", "", true},
    {"content-range", "", true},
    {"content-type", "", true},
    {"cookie", "", true},
    {"date", "", true},
    {"etag", "", true},
    {"expect", "", true},
    {"expires", "", true},
    {"from", "", true},
    {"host", "", true},
    {"if-match", "", true},
    {"if-modified-since", "", true},
    {"if-none-match", "", true},
    {"if-range", "", true},
    {"if-unmodified-since", "", true},
    {"last-modified", "", true},
    {"link", "", true},
    {"location", "", true},
    {"max-forwards", "", true},
    {"proxy-authenticate", "", true},
    {"proxy-authorization", "", true},
    {"range", "", true},
    {"referer", "", true},
    {"refresh", "", true},
    {"retry-after", "", true},
    {"server", "", true},
    {"set-cookie", "", true},
    {"strict-transport-security", "", true},
    {"transfer-encoding", "", true},
    {"user-agent", "", true},
    {"vary", "", true},
    {"via", "", true},
    {"www-authenticate", "", true},
}};
}  // namespace

const HeaderField& static_field(std::size_t index) { return kStatic[index - 1]; }

std::size_t static_name(std::string_view name) {
  // Names of one length are few; only those are compared.
  static constexpr std::size_t kMostLength = 28;
  struct ByLength {
    std::array<std::array<std::uint8_t, 10>, kMostLength> indices{};
  };
  static constexpr ByLength kByLength = [] {
    ByLength table;
    for (std::size_t i = kStaticEntries; i >= 1; --i) {
      if (i > 1 && kStatic[i - 1].name == kStatic[i - 2].name) continue;  // the first of a name
      auto& row = table.indices[kStatic[i - 1].name.size()];
      std::size_t at = 0;
      while (row[at] != 0) ++at;
      row[at] = static_cast<std::uint8_t>(i);
    }
    return table;
  }();
  if (name.size() >= kMostLength) return 0;
  for (const std::uint8_t index : kByLength.indices[name.size()]) {
    if (index == 0) break;
    if (kStatic[index - 1u].name == name) return index;
  }
  return 0;
}

// ---- the dynamic table ----

HeaderField HpackTable::at(std::size_t index) const {
  const Entry& entry = entries_[(first_ + count_ - 1 - index) % kMostEntries];
  const char* text = text_.get() + entry.at;
  return {{text, entry.name_size}, {text + entry.name_size, entry.value_size}, entry.checked};
}

void HpackTable::evict() {
  const Entry& oldest = entries_[first_];
  size_ -= oldest.name_size + oldest.value_size + kEntryOverhead;
  first_ = (first_ + 1) % kMostEntries;
  --count_;
}

bool HpackTable::insert(std::string_view name, std::string_view value, bool checked) {
  const std::size_t needed = name.size() + value.size() + kEntryOverhead;
  while (count_ > 0 && size_ + needed > limit_) evict();
  if (needed > limit_) return false;
  if (!text_) text_.reset(new char[kText]);
  const std::size_t bytes = name.size() + value.size();
  if (text_end_ + bytes > kText) {
    // What is held is at most half of the room. The name may be in what moves, or in what was evicted right now.
    const std::string kept(name);
    const std::size_t from = count_ > 0 ? entries_[first_].at : text_end_;
    std::memmove(text_.get(), text_.get() + from, text_end_ - from);
    for (std::size_t i = 0; i < count_; ++i) {
      Entry& entry = entries_[(first_ + i) % kMostEntries];
      entry.at = static_cast<std::uint16_t>(entry.at - from);
    }
    text_end_ -= from;
    return insert(kept, value, checked);
  }
  std::memcpy(text_.get() + text_end_, name.data(), name.size());
  if (!value.empty()) std::memcpy(text_.get() + text_end_ + name.size(), value.data(), value.size());
  entries_[(first_ + count_) % kMostEntries] = {static_cast<std::uint16_t>(text_end_), static_cast<std::uint16_t>(name.size()),
                                                static_cast<std::uint16_t>(value.size()), checked};
  text_end_ += bytes;
  size_ += needed;
  ++count_;
  return true;
}

void HpackTable::set_limit(std::size_t limit) {
  limit_ = limit;
  while (size_ > limit_) evict();
}

void HpackTable::clear() { first_ = count_ = size_ = text_end_ = 0; }

}  // namespace yun::http::codec2
