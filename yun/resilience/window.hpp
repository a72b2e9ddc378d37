#pragma once
// Window: counts over the last so many seconds, in buckets that are forgotten one by one. Not thread-safe.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "yun/base/units.hpp"

namespace yun::resilience {

/// `Counts` is a struct of numbers with operator+= and operator-=. Time never goes backwards; if it seems to, it counts as standing still.
template <typename Counts, std::size_t Buckets>
class Window {
 public:
  explicit Window(Duration length) : width_(std::max<Duration>(Duration(1), length / static_cast<std::int64_t>(Buckets))) {}

  void add(TimePoint now, const Counts& counts) {
    advance(now);
    buckets_[newest_ % Buckets] += counts;
    total_ += counts;
  }
  const Counts& total(TimePoint now) {
    advance(now);
    return total_;
  }

 private:
  void advance(TimePoint now) {
    const auto bucket = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.time_since_epoch() / width_));
    if (bucket <= newest_) return;
    if (bucket - newest_ >= Buckets) {
      buckets_.fill({});
      total_ = {};
      newest_ = bucket;
      return;
    }
    while (newest_ < bucket) {
      Counts& oldest = buckets_[++newest_ % Buckets];
      total_ -= oldest;
      oldest = {};
    }
  }

  Duration width_;
  std::array<Counts, Buckets> buckets_{};
  Counts total_{};
  std::uint64_t newest_ = 0;
};

}  // namespace yun::resilience
