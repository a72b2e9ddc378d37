#include "yun/json/escape.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "yun/base/strings.hpp"

namespace yun::json::detail {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ull;
constexpr std::uint64_t kHighs = 0x8080808080808080ull;

/// Marks the bytes, of eight, that are a quote, a backslash, below 0x20 or above 0x7f; the lowest mark is a true one.
std::uint64_t needs_care(std::uint64_t word) {
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t backslash = word ^ (kOnes * '\\');
  return ((word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | word) & kHighs;
}

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\'; }

/// One word of 8 or 4 bytes; true if all of it was plain.
template <typename Word>
bool copy_word(char* to, const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  std::memcpy(to, &word, sizeof word);
  constexpr std::uint64_t kSpaces = sizeof(Word) == 8 ? 0 : 0x2020202000000000ull;
  return needs_care(static_cast<std::uint64_t>(word) | kSpaces) == 0;
}

/// The bytes of the UTF-8 character at the front, 0 if there is none.
std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  return text.size() >= size && is_utf8(text.substr(0, size)) ? size : 0;
}

}  // namespace

std::size_t copy_plain(char* to, std::string_view text) {
  const char* from = text.data();
  const std::size_t size = text.size();
  std::size_t at = 0;
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x20);
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  for (; at + 16 <= size; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), bytes);
    // Signed: what is above 0x7f is below 0x20, too.
    const __m128i care = _mm_or_si128(_mm_cmplt_epi8(bytes, space), _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    if (const int marks = _mm_movemask_epi8(care); marks != 0) return at + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(marks)));
  }
#endif
  // Words that overlap what is done already: no byte is copied alone but in very short text and before one that needs care.
  if (size >= 8) {
    if (at + 8 <= size && copy_word<std::uint64_t>(to + at, from + at)) at += 8;
    if (at < size && at + 8 >= size && copy_word<std::uint64_t>(to + size - 8, from + size - 8)) return size;
  } else if (size >= 4) {
    if (copy_word<std::uint32_t>(to, from) && copy_word<std::uint32_t>(to + size - 4, from + size - 4)) return size;
  }
  for (; at < size && is_plain(from[at]); ++at) to[at] = from[at];
  return at;
}

char* write_escape(char* to, char c) {
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\': *to++ = c; return to;
    case '\n': *to++ = 'n'; return to;
    case '\r': *to++ = 'r'; return to;
    case '\t': *to++ = 't'; return to;
    case '\b': *to++ = 'b'; return to;
    case '\f': *to++ = 'f'; return to;
    default: {
      constexpr std::string_view kHex = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      const char rest[5] = {'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
      std::memcpy(to, rest, sizeof rest);
      return to + sizeof rest;
    }
  }
}

std::size_t run_size(std::string_view text) {
  std::size_t run = 0;
  while (run < text.size() && static_cast<unsigned char>(text[run]) >= 0x80) ++run;
  return run;
}

char* write_run(char* to, std::string_view& text) {
  std::string_view rest = text.substr(0, run_size(text));
  text.remove_prefix(rest.size());
  const bool well_formed = is_utf8(rest);
  while (!rest.empty()) {
    const std::size_t size = well_formed ? rest.size() : character_size(rest);
    const std::string_view piece = size > 0 ? rest.substr(0, size) : std::string_view("\xef\xbf\xbd");
    to = static_cast<char*>(std::memcpy(to, piece.data(), piece.size())) + piece.size();
    rest.remove_prefix(size > 0 ? size : 1);
  }
  return to;
}

char* write_quoted(char* to, std::string_view text) {
  *to++ = '"';
  for (;;) {
    const std::size_t plain = copy_plain(to, text);
    to += plain;
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      to = write_escape(to, text.front());
      text.remove_prefix(1);
    } else {
      to = write_run(to, text);
    }
  }
  *to++ = '"';
  return to;
}

}  // namespace yun::json::detail
