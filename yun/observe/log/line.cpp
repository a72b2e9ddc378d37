#include "yun/observe/log/line.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <string>

#include "yun/base/units.hpp"
#include "yun/json/write.hpp"

namespace yun::observe::log {

namespace {

/// Eight hex digits, all at once: a nibble to a byte, then six to the letters.
std::uint64_t hex_of(std::uint32_t value) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ull;
  std::uint64_t nibbles = value;
  nibbles = (nibbles | nibbles << 16) & 0x0000ffff0000ffffull;
  nibbles = (nibbles | nibbles << 8) & 0x00ff00ff00ff00ffull;
  nibbles = (nibbles | nibbles << 4) & 0x0f0f0f0f0f0f0f0full;
  const std::uint64_t letters = (nibbles + kOnes * 6) >> 4 & kOnes;
  const std::uint64_t digits = nibbles + kOnes * '0' + letters * ('a' - '0' - 10);
  return std::endian::native == std::endian::little ? __builtin_bswap64(digits) : digits;
}

}  // namespace

void Line::grow(std::size_t size) {
  const std::size_t wanted = std::max({std::size_t{1024}, 2 * capacity_, size_ + size});
  std::unique_ptr<char[]> larger(new char[wanted]);
  if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
  capacity_ = wanted;
}

void Line::text(std::string_view text, bool cut) {
  end(json::detail::write_quoted(room(json::detail::quoted_room(text.size())), text));
  if (!cut) return;
  --size_;
  raw("...\"");
}

void Line::hex(std::uint64_t value) {
  const std::uint64_t digits[2] = {hex_of(static_cast<std::uint32_t>(value >> 32)), hex_of(static_cast<std::uint32_t>(value))};
  std::memcpy(room(16), digits, 16);
  size_ += 16;
}

void Line::number(std::uint64_t value) {
  char* at = room(20);
  end(std::to_chars(at, at + 20, value).ptr);
}

void Line::number(std::int64_t value) {
  char* at = room(20);
  end(std::to_chars(at, at + 20, value).ptr);
}

void Line::number(double value) {
  std::string text;
  json::write(text, value);
  raw(text);
}

void Line::seconds(std::int64_t nanoseconds) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  if (nanoseconds < 0) raw('-');
  const std::uint64_t whole = nanoseconds < 0 ? ~static_cast<std::uint64_t>(nanoseconds) + 1 : static_cast<std::uint64_t>(nanoseconds);
  number(whole / kSecond);
  std::uint64_t fraction = whole % kSecond;
  if (fraction == 0) return;
  char* at = room(10);
  at[0] = '.';
  for (int i = 9; i >= 1; --i, fraction /= 10) at[i] = static_cast<char>('0' + fraction % 10);
  std::size_t digits = 10;
  while (at[digits - 1] == '0') --digits;
  size_ += digits;
}

void Line::time(std::int64_t microseconds) {
  // All but the fraction is kept from the line before, which most often was in the same second.
  thread_local std::int64_t last_second = INT64_MIN;
  thread_local char prefix[20];
  const std::int64_t second = microseconds / 1'000'000 - (microseconds % 1'000'000 < 0 ? 1 : 0);
  auto fraction = static_cast<std::uint32_t>(microseconds - second * 1'000'000);
  if (second != last_second) {
    const std::string text = format_time(Time(std::chrono::microseconds(microseconds)));
    if (text.size() != 27) {  // a year beyond four digits
      raw(text);
      return;
    }
    text.copy(prefix, sizeof prefix);
    last_second = second;
  }
  char* at = room(27);
  std::memcpy(at, prefix, sizeof prefix);
  at[26] = 'Z';
  for (int i = 25; i >= 20; --i, fraction /= 10) at[i] = static_cast<char>('0' + fraction % 10);
  size_ += 27;
}

}  // namespace yun::observe::log
