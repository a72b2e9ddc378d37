#include "yun/http/tunnel.hpp"

#include <algorithm>

namespace yun::http {

Task<Result<std::size_t>> TransportTunnel::read(Cancel& cancel, std::span<char> into) {
  if (given_ < already_.size()) {
    const std::size_t count = already_.copy(into.data(), into.size(), given_);
    given_ += count;
    co_return count;
  }
  auto got = co_await transport_.read(cancel, into);
  co_return got;
}

}  // namespace yun::http
