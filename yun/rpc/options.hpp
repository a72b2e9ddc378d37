#pragma once
// What servers and channels have in common.

#include <cstdint>

namespace yun::rpc {

/// When messages that go out are compressed (gzip; only for peers that accept it).
enum class Compress : std::uint8_t {
  Mirror,  ///< a server: when the caller compressed; a client: never
  Always,
  Never,
};

}  // namespace yun::rpc
