#include <algorithm>
#include <charconv>
#include <cstring>

#include "yun/http/codec2/hpack.hpp"

namespace yun::http::codec2 {

namespace {
constexpr unsigned kMostMisses = 64;
constexpr std::size_t kMostEntrySize = 256;  // larger fields are not worth the peer's memory

void put_integer(Buffer& out, unsigned char first, unsigned prefix_bits, std::size_t value) {
  const std::size_t most = (1U << prefix_bits) - 1;
  if (value < most) {
    out.append(static_cast<char>(first | value));
    return;
  }
  out.append(static_cast<char>(first | most));
  value -= most;
  while (value >= 0x80) {
    out.append(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.append(static_cast<char>(value));
}

void put_text(Buffer& out, std::string_view text) {
  put_integer(out, 0, 7, text.size());
  out.append(text);
}

void put_literal(Buffer& out, unsigned char kind, unsigned prefix_bits, std::size_t name_index, std::string_view name, std::string_view value) {
  put_integer(out, kind, prefix_bits, name_index);
  if (name_index == 0) put_text(out, name);
  put_text(out, value);
}

/// Good enough to tell fields apart: equal hashes are compared.
std::uint32_t hash_of(std::string_view name, std::string_view value) {
  std::uint64_t hash = name.size() * 31 + value.size();
  for (const std::string_view text : {name, value}) {
    for (std::size_t at = 0; at < text.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, std::min<std::size_t>(8, text.size() - at));
      hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 29;
    }
  }
  return static_cast<std::uint32_t>(hash) | 1;  // 0 is none
}
}  // namespace

void HpackEncoder::set_peer_limit(std::size_t limit) {
  const std::size_t wanted = std::min(limit, kHeaderTableSize);
  if (wanted == limit_) return;
  limit_ = wanted;
  limit_changed_ = true;
}

void HpackEncoder::begin(Buffer& out) {
  if (misses_ < kMostMisses && !limit_changed_) return;
  // Empty on both sides, and open again.
  entries_.clear();
  size_ = 0;
  misses_ = 0;
  limit_changed_ = false;
  put_integer(out, 0x20, 5, 0);
  if (limit_ > 0) put_integer(out, 0x20, 5, limit_);
}

void HpackEncoder::put_status(Buffer& out, int status) {
  std::size_t index = 0;
  switch (status) {
    case 200: index = 8; break;
    case 204: index = 9; break;
    case 206: index = 10; break;
    case 304: index = 11; break;
    case 400: index = 12; break;
    case 404: index = 13; break;
    case 500: index = 14; break;
    default: break;
  }
  if (index > 0) {
    put_integer(out, 0x80, 7, index);
    return;
  }
  char digits[12];
  const auto end = std::to_chars(digits, digits + sizeof digits, status).ptr;
  put_literal(out, 0, 4, 8, ":status", {digits, static_cast<std::size_t>(end - digits)});
}

std::size_t HpackEncoder::find_name(std::string_view name) const {
  if (const std::size_t index = static_name(name)) return index;
  for (std::size_t i = entries_.size(); i-- > 0;) {
    if (entries_[i].name == name) return index_of(i);
  }
  return 0;
}

void HpackEncoder::put(Buffer& out, std::string_view name, std::string_view value) {
  const std::uint32_t hash = hash_of(name, value);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].hash == hash && entries_[i].name == name && entries_[i].value == value) {
      put_integer(out, 0x80, 7, index_of(i));
      return;
    }
  }
  const std::size_t name_index = find_name(name);
  const std::size_t size = name.size() + value.size() + kEntryOverhead;
  // A name of its own, or a pair that came before, will come again.
  const bool worth_it = size <= kMostEntrySize && (name_index == 0 || seen_before(hash));
  if (worth_it && has_room(size)) {
    put_literal(out, 0x40, 6, name_index, name, value);
    insert(hash, name, value);
    return;
  }
  if (worth_it && limit_ > 0) ++misses_;
  put_literal(out, 0, 4, name_index, name, value);
}

void HpackEncoder::put_once(Buffer& out, std::string_view name, std::string_view value, bool secret) {
  put_literal(out, secret ? 0x10 : 0, 4, find_name(name), name, value);
}

void HpackEncoder::insert(std::uint32_t hash, std::string_view name, std::string_view value) {
  entries_.push_back({hash, std::string(name), std::string(value)});
  size_ += name.size() + value.size() + kEntryOverhead;
}

bool HpackEncoder::seen_before(std::uint32_t hash) {
  std::uint32_t& slot = seen_[(hash >> 8) % seen_.size()];
  return std::exchange(slot, hash) == hash;
}

}  // namespace yun::http::codec2
