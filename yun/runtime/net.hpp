#pragma once
// TCP and Unix sockets on a loop. Transport is what HTTP speaks over: a plain socket here, TLS in http/tls.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "yun/runtime/loop.hpp"

namespace yun::runtime {

/// An IP address (v4 or v6) and port, or a Unix socket path ("unix:/run/x.sock"). A value; 128 bytes at most.
class Address {
 public:
  Address() = default;
  /// "127.0.0.1:8080", "[::1]:8080", ":8080" (any address), "unix:/path". Names are not resolved here: see discovery's dns.
  static Result<Address> parse(std::string_view text);
  static Address from_sockaddr(const void* address, std::size_t size);
  std::string to_string() const;
  /// The same behind what `to` holds.
  void append_to(std::string& to) const;
  /// Without the port: "127.0.0.1".
  std::string host() const;
  std::uint16_t port() const;
  Address with_port(std::uint16_t port) const;
  bool is_unix() const;
  bool is_loopback() const;
  const void* data() const { return bytes_; }
  std::size_t size() const { return size_; }
  int family() const;
  bool operator==(const Address& other) const;

 private:
  void append_host(std::string& to) const;
  alignas(8) unsigned char bytes_[112] = {};
  std::uint32_t size_ = 0;
};

/// What one try of a read or write gave.
struct Io {
  enum class State : std::uint8_t { Done, WouldBlock, Closed, Failed };
  State state = State::Done;
  int error = 0;          ///< errno when Failed; EPROTO for a TLS fault
  std::size_t bytes = 0;  ///< when Done
};

/// A connected byte stream on one loop. try_* never wait.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Io try_read(std::span<char> into) = 0;
  virtual Io try_write(std::string_view bytes) = 0;
  /// The same before more, such as a file: what does not fill a packet may wait for that. Default: try_write.
  virtual Io try_write_before_more(std::string_view bytes) { return try_write(bytes); }
  /// Sends up to `size` bytes of `file` from `offset` (sendfile where it can be). Default: Failed with EOPNOTSUPP.
  virtual Io try_send_file(int file, std::uint64_t offset, std::size_t size);
  /// Which readiness to wait for after WouldBlock of a read or write (TLS may need the other).
  virtual Interest wanted(Interest interest) const { return interest; }
  /// True if the transport holds decrypted bytes that no readiness will announce.
  virtual bool has_pending() const { return false; }
  /// No more writes: FIN, or close_notify and FIN.
  virtual void shutdown_write() = 0;
  virtual Watch& watch() = 0;
  virtual const Address& peer() const = 0;
  virtual const Address& local() const = 0;
  /// What ALPN chose ("h2", "http/1.1"), "" without TLS.
  virtual std::string_view alpn() const { return {}; }
  virtual bool is_tls() const { return false; }

  /// At least one byte; 0 = the peer closed. Errors: the Cancel's, Unavailable for a reset.
  Task<Result<std::size_t>> read(Cancel& cancel, std::span<char> into);
  /// All of `bytes`, which must stay valid until the task ends.
  Task<Result<void>> write_all(Cancel& cancel, std::string_view bytes);
};

class Socket final : public Transport {
 public:
  /// Takes a connected, non-blocking descriptor; sets TCP_NODELAY.
  Socket(Fd fd, Address peer);
  Io try_read(std::span<char> into) override;
  Io try_write(std::string_view bytes) override;
  Io try_write_before_more(std::string_view bytes) override;
  Io try_send_file(int file, std::uint64_t offset, std::size_t size) override;
  void shutdown_write() override;
  Watch& watch() override { return watch_; }
  const Address& peer() const override { return peer_; }
  const Address& local() const override { return local_; }

 private:
  Io send(std::string_view bytes, int flags);
  Fd fd_;
  Address peer_;
  Address local_;
  Watch watch_;
};

/// Connects within the Cancel's deadline. Unavailable if refused or unreachable.
Task<Result<std::unique_ptr<Socket>>> connect(Cancel& cancel, Address to);

class Listener {
 public:
  struct Options {
    bool reuse_port = false;  ///< several loops listen on the one port (bind the first without, so that two programs never share)
    int backlog = 1024;
  };
  /// AlreadyExists if the port is in use. Port 0 = any free one; see address(). The socket is registered with a loop by the first accept().
  static Result<Listener> bind(const Address& address, Options options);
  static Result<Listener> bind(const Address& address) { return bind(address, Options{}); }
  const Address& address() const { return address_; }
  int fd() const { return fd_.get(); }

  struct Accepted {
    Fd fd;
    Address peer;
  };
  /// One connection if one waits now: nullopt if none. ResourceExhausted when out of descriptors.
  Result<std::optional<Accepted>> try_accept();
  /// The next connection, on this loop. Only one task may wait.
  Task<Result<Accepted>> accept(Cancel& cancel);

 private:
  Fd fd_;
  Address address_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace yun::runtime
