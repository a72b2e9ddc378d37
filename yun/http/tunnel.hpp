#pragma once
// Tunnel: bytes both ways in place of HTTP. An HTTP/1.1 connection after 101, or an HTTP/2 stream after 200 to an extended CONNECT (RFC 8441).

#include <span>
#include <string>
#include <string_view>

#include "yun/runtime/net.hpp"

namespace yun::http {

class Tunnel {
 public:
  virtual ~Tunnel() = default;
  /// At least one byte; 0 = the peer sends no more. Errors: the Cancel's, Unavailable or Cancelled when the peer is gone. One task at a time.
  virtual Task<Result<std::size_t>> read(Cancel& cancel, std::span<char> into) = 0;
  /// All of `bytes`, which must stay valid until the task ends; waits while the peer is slow. One task at a time, beside one that reads.
  virtual Task<Result<void>> write_all(Cancel& cancel, std::string_view bytes) = 0;
};

/// Over a whole connection, of which some bytes may have been read already.
class TransportTunnel final : public Tunnel {
 public:
  TransportTunnel(runtime::Transport& transport, std::string already_read) : transport_(transport), already_(std::move(already_read)) {}
  Task<Result<std::size_t>> read(Cancel& cancel, std::span<char> into) override;
  Task<Result<void>> write_all(Cancel& cancel, std::string_view bytes) override { return transport_.write_all(cancel, bytes); }

 private:
  runtime::Transport& transport_;
  std::string already_;
  std::size_t given_ = 0;
};

}  // namespace yun::http
