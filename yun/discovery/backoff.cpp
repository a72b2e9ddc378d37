#include "yun/discovery/backoff.hpp"

#include <algorithm>

#include "yun/base/ids.hpp"

namespace yun::discovery {

Duration backoff(int failures) {
  const Duration longest = std::min<Duration>(std::chrono::seconds(30), std::chrono::milliseconds(500) * (1 << std::clamp(failures - 1, 0, 6)));
  return std::chrono::duration_cast<Duration>(longest * (0.5 + 0.5 * random_unit()));
}

}  // namespace yun::discovery
