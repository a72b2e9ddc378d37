#pragma once
// Line: the buffer in which log lines are made. Used again: it keeps what it grew to, up to kKeep.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "yun/json/escape.hpp"

namespace yun::observe::log {

/// Copies what is mostly short (names, keys, values) without a call.
inline void copy_short(char* to, const char* from, std::size_t size) {
  if (size > 32) {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    std::memcpy(to, from, 16);
    std::memcpy(to + size - 16, from + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + size - 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + size - 4, from + size - 4, 4);
  } else if (size > 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
}

class Line {
 public:
  void clear() {
    if (capacity_ > kKeep) *this = Line();
    size_ = 0;
  }
  std::string_view view() const { return {bytes_.get(), size_}; }
  std::size_t size() const { return size_; }

  void raw(std::string_view text) {
    copy_short(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  template <std::size_t N>
  void raw(const char (&literal)[N]) {
    std::memcpy(room(N - 1), literal, N - 1);
    size_ += N - 1;
  }
  void raw(char c) {
    *room(1) = c;
    ++size_;
  }
  /// `,"key":`; the key needs no escape.
  void key(std::string_view key) {
    char* at = room(key.size() + 4);
    std::memcpy(at, ",\"", 2);
    copy_short(at + 2, key.data(), key.size());
    std::memcpy(at + 2 + key.size(), "\":", 2);
    size_ += key.size() + 4;
  }
  /// Quoted; "..." says that it was longer.
  void text(std::string_view text, bool cut);
  /// 16 hex digits.
  void hex(std::uint64_t value);
  void number(std::uint64_t value);
  void number(std::int64_t value);
  void number(double value);
  /// As a number of seconds with no more digits than it needs.
  void seconds(std::int64_t nanoseconds);
  /// RFC 3339 in UTC with microseconds.
  void time(std::int64_t microseconds);

 private:
  static constexpr std::size_t kKeep = 256 << 10;
  /// At least `size` writable bytes behind what is held.
  char* room(std::size_t size) {
    if (capacity_ - size_ < size) grow(size);
    return bytes_.get() + size_;
  }
  void end(const char* at) { size_ = static_cast<std::size_t>(at - bytes_.get()); }
  void grow(std::size_t size);

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace yun::observe::log
