#pragma once
// The bytes of HTTP/1: which may stand where (RFC 9110 5.5, 5.6.2), and a fast look for the first that may not.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "yun/http/message.hpp"

namespace yun::http::codec1 {

/// Why a message is refused: all three are static text. `reason` is one word for log, metric and X-Yun-Reason.
struct ParseError {
  int status = 400;
  std::string_view reason;
  std::string_view detail;
};

/// tchar of RFC 9110 5.6.2.
inline constexpr std::array<bool, 256> kToken = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = table[static_cast<std::size_t>(c - 32)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

#if defined(__SSE2__)
/// Whether text of at least four bytes is all lower-case letters, digits and '-', as the names of most fields are.
inline bool is_plain_name(std::string_view text) {
  const auto plain = [](__m128i bytes) {
    const auto within = [&](char first, char span) {
      const __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
      return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(span)), offset);
    };
    const __m128i good = _mm_or_si128(_mm_or_si128(within('a', 25), within('0', 9)), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    return _mm_movemask_epi8(good) == 0xffff;
  };
  const char* const data = text.data();
  const char* const end = data + text.size();
  // The last load may overlap the one before.
  if (text.size() >= 16) {
    for (const char* at = data; end - at > 16; at += 16) {
      if (!plain(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)))) return false;
    }
    return plain(_mm_loadu_si128(reinterpret_cast<const __m128i*>(end - 16)));
  }
  std::uint64_t halves[2];
  if (text.size() >= 8) {
    std::memcpy(&halves[0], data, 8);
    std::memcpy(&halves[1], end - 8, 8);
  } else {
    std::uint32_t quarters[2];
    std::memcpy(&quarters[0], data, 4);
    std::memcpy(&quarters[1], end - 4, 4);
    halves[0] = halves[1] = quarters[0] | std::uint64_t{quarters[1]} << 32;
  }
  return plain(_mm_set_epi64x(static_cast<long long>(halves[1]), static_cast<long long>(halves[0])));
}
#endif

inline bool is_token(std::string_view text) {
#if defined(__SSE2__)
  if (text.size() >= 4 && is_plain_name(text)) return true;
#endif
  for (const char c : text) {
    if (!kToken[static_cast<unsigned char>(c)]) return false;
  }
  return !text.empty();
}

/// Index of the first control byte (below 0x20 but HTAB, or 0x7f); size() if there is none.
inline std::size_t first_control(std::string_view text) {
  std::size_t at = 0;
#if defined(__SSE2__)
  const auto controls = [](__m128i bytes) {
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')), low);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)))));
  };
  const char* const data = text.data();
  for (; at + 16 <= text.size(); at += 16) {
    const unsigned mask = controls(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at)));
    if (mask != 0) return at + static_cast<std::size_t>(__builtin_ctz(mask));
  }
  if (at == text.size()) return at;
  if (text.size() >= 16) {  // the last sixteen, of which some were seen already and hold none
    const std::size_t from = text.size() - 16;
    const unsigned mask = controls(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data + from)));
    return mask != 0 ? from + static_cast<std::size_t>(__builtin_ctz(mask)) : text.size();
  }
  if (text.size() >= 8) {
    const __m128i front = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(data));
    const __m128i back = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(data + text.size() - 8));
    const unsigned mask = controls(_mm_unpacklo_epi64(front, back));
    if (mask == 0) return text.size();
    const auto first = static_cast<std::size_t>(__builtin_ctz(mask));
    return first < 8 ? first : text.size() - 16 + first;
  }
#endif
  for (; at < text.size(); ++at) {
    const unsigned char c = static_cast<unsigned char>(text[at]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) return at;
  }
  return at;
}

/// Where a CRLF line that begins a piece of text ends.
struct Line {
  enum class State : std::uint8_t { Complete, NeedMore, Bad } state = State::NeedMore;
  std::size_t size = 0;  ///< of the line without CRLF; when NeedMore: how far there is nothing to see
  const ParseError* error = nullptr;
};
/// `skip` bytes at the front are known to hold no control byte.
Line find_line(std::string_view text, std::size_t skip = 0);

/// One field line without its CRLF ("name: value") into `headers`; null or what is wrong. `allow_underscores`: '_' in names.
const ParseError* parse_field(std::string_view line, bool allow_underscores, Headers& headers);

/// True for a Host or :authority value: a reg-name, IPv4 or [IPv6], and a port of 1..65535 if any (RFC 3986 3.2.2). Not for "".
bool is_authority(std::string_view text);

}  // namespace yun::http::codec1
