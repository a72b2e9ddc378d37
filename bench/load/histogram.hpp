#pragma once
// Histogram: counts of durations in buckets some 1.5 % wide, from 1 ns on; no allocation when recording.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace bench {

class Histogram {
 public:
  void record(std::int64_t nanoseconds) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 1));
    ++counts_[index(value)];
    ++total_;
    largest_ = std::max(largest_, value);
  }

  /// The smallest recorded value, to a bucket's width, that a share `part` (0..1) of all does not exceed; nanoseconds. 0 when empty.
  double percentile(double part) const {
    if (total_ == 0) return 0;
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(total_))));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= rank) return std::min(static_cast<double>(upper(i)), static_cast<double>(largest_));
    }
    return static_cast<double>(largest_);
  }

  std::uint64_t total() const { return total_; }
  double largest() const { return static_cast<double>(largest_); }

 private:
  // 64 buckets a power of two; values below 64 have one each.
  static constexpr unsigned kBits = 6;
  static std::size_t index(std::uint64_t value) {
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    if (width <= kBits) return value;
    const unsigned shift = width - kBits - 1;
    return ((static_cast<std::size_t>(shift) + 1) << kBits) + ((value >> shift) & ((1u << kBits) - 1));
  }
  static std::uint64_t upper(std::size_t index) {
    if (index < (1u << kBits)) return index;
    const unsigned shift = static_cast<unsigned>(index >> kBits) - 1;
    return (((1ull << kBits) | (index & ((1u << kBits) - 1))) + 1) << shift;
  }

  std::array<std::uint64_t, 60 << kBits> counts_{};
  std::uint64_t total_ = 0, largest_ = 0;
};

}  // namespace bench
