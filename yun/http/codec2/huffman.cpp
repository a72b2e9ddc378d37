#include "yun/http/codec2/huffman.hpp"

#include <array>
#include <cstdint>

namespace yun::http::codec2 {

namespace {

constexpr std::size_t kSymbols = 257;
constexpr unsigned kEndOfString = 256;
constexpr unsigned kMostBits = 30;
constexpr unsigned kQuickBits = 10;

/// Bits of each symbol's code. The code is canonical, so that they are the whole of it: codes of one length follow each other in the order of
/// their symbols, and each length goes on where the one before it ended.
constexpr std::array<std::uint8_t, kSymbols> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
};

struct Tables {
  /// By the next kQuickBits bits: symbol << 4 | length of its code; 0 where the code is longer.
  std::array<std::uint16_t, 1 << kQuickBits> quick{};
  std::array<std::uint32_t, kMostBits + 1> first_code{};
  std::array<std::uint16_t, kMostBits + 1> count{};
  std::array<std::uint16_t, kMostBits + 1> first_symbol{};  ///< where a length's symbols begin in `by_code`
  std::array<std::uint16_t, kSymbols> by_code{};
};

constexpr Tables make_tables() {
  Tables tables;
  std::uint32_t code = 0;
  std::uint16_t placed = 0;
  for (unsigned length = 1; length <= kMostBits; ++length) {
    code <<= 1;
    tables.first_code[length] = code;
    tables.first_symbol[length] = placed;
    for (unsigned symbol = 0; symbol < kSymbols; ++symbol) {
      if (kLengths[symbol] != length) continue;
      tables.by_code[placed++] = static_cast<std::uint16_t>(symbol);
      if (length <= kQuickBits) {
        const std::uint32_t from = code << (kQuickBits - length);
        for (std::uint32_t i = 0; i < (1U << (kQuickBits - length)); ++i) tables.quick[from + i] = static_cast<std::uint16_t>(symbol << 4 | length);
      }
      ++code;
    }
    tables.count[length] = static_cast<std::uint16_t>(placed - tables.first_symbol[length]);
  }
  return tables;
}

constexpr Tables kTables = make_tables();

struct Symbol {
  unsigned value;
  unsigned bits;
};

/// The first code of `bits`, which begin at the top.
Symbol first_symbol(std::uint64_t bits) {
  const std::uint16_t quick = kTables.quick[bits >> (64 - kQuickBits)];
  if (quick != 0) return {static_cast<unsigned>(quick >> 4), static_cast<unsigned>(quick & 15)};
  for (unsigned length = kQuickBits + 1; length < kMostBits; ++length) {
    const auto offset = static_cast<std::uint32_t>(bits >> (64 - length)) - kTables.first_code[length];
    if (offset < kTables.count[length]) return {kTables.by_code[kTables.first_symbol[length] + offset], length};
  }
  const auto offset = static_cast<std::uint32_t>(bits >> (64 - kMostBits)) - kTables.first_code[kMostBits];
  return {kTables.by_code[kTables.first_symbol[kMostBits] + offset], kMostBits};
}

}  // namespace

bool decode_huffman(std::string_view bytes, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + bytes.size() * 8 / 5);  // the shortest code has five bits
  char* into = out.data() + before;
  std::uint64_t bits = 0;  // what is at hand, from the top
  unsigned held = 0;
  std::size_t next = 0;
  for (;;) {
    while (held <= 56 && next < bytes.size()) {
      bits |= std::uint64_t{static_cast<unsigned char>(bytes[next++])} << (56 - held);
      held += 8;
    }
    if (held == 0) break;
    const Symbol symbol = first_symbol(bits);
    if (symbol.bits > held) break;
    if (symbol.value == kEndOfString) return false;
    *into++ = static_cast<char>(symbol.value);
    bits <<= symbol.bits;
    held -= symbol.bits;
  }
  out.resize(static_cast<std::size_t>(into - out.data()));
  return held == 0 || (held < 8 && bits >> (64 - held) == (1U << held) - 1);
}

}  // namespace yun::http::codec2
