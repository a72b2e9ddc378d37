#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "yun/base/strings.hpp"
#include "yun/gateway/config/config.hpp"

namespace yun::gateway {

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  const auto bad = [&] { return invalid_argument("\"" + std::string(text) + "\" is not an address range such as 10.0.0.0/8"); };
  Cidr cidr;
  int all = 128;
  if (::inet_pton(AF_INET, host.c_str(), cidr.bytes + 12) == 1) {
    cidr.bytes[10] = cidr.bytes[11] = 0xff;
    all = 32;
  } else if (::inet_pton(AF_INET6, host.c_str(), cidr.bytes) != 1) {
    return bad();
  }
  std::uint64_t bits = static_cast<std::uint64_t>(all);
  if (slash != std::string_view::npos) {
    const auto given = parse_u64(text.substr(slash + 1));
    if (!given || *given > bits) return bad();
    bits = *given;
  }
  cidr.bits = static_cast<int>(bits) + 128 - all;
  return cidr;
}

bool Cidr::contains(const runtime::Address& address) const {
  unsigned char other[16] = {};
  if (address.family() == AF_INET) {
    other[10] = other[11] = 0xff;
    std::memcpy(other + 12, &static_cast<const sockaddr_in*>(address.data())->sin_addr, 4);
  } else if (address.family() == AF_INET6) {
    std::memcpy(other, &static_cast<const sockaddr_in6*>(address.data())->sin6_addr, 16);
  } else {
    return false;
  }
  const int whole = bits / 8;
  if (std::memcmp(bytes, other, static_cast<std::size_t>(whole)) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return (bytes[whole] & mask) == (other[whole] & mask);
}

}  // namespace yun::gateway
