#include "yun/observe/log/line.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "yun/base/units.hpp"
#include "yun/json/write.hpp"

namespace yun::observe::log {

namespace {

/// The sixteen hex digits of `value` at `to`.
#if defined(__SSE2__)
void put_hex(char* to, std::uint64_t value) {
  const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(__builtin_bswap64(value)));
  const __m128i low = _mm_set1_epi8(0x0f);
  const __m128i nibbles = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low), _mm_and_si128(bytes, low));
  const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8('0')), letters));
}
#else
void put_hex(char* to, std::uint64_t value) {
  for (int i = 15; i >= 0; --i, value >>= 4) to[i] = "0123456789abcdef"[value & 15];
}
#endif

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
  put_hex(room(16), value);
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
  std::uint64_t fraction = whole;
  if (whole < kSecond) {
    raw('0');
  } else {
    number(whole / kSecond);
    fraction = whole % kSecond;
  }
  if (fraction == 0) return;
  char* at = room(10);
  at[0] = '.';
  for (auto left = static_cast<std::uint32_t>(fraction), i = std::uint32_t{9}; i >= 1; --i, left /= 10) at[i] = static_cast<char>('0' + left % 10);
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
