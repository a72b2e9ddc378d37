#pragma once
// Stream: a connected socket, plain or under TLS, as one pair of non-blocking calls.

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace bench {

class Stream {
 public:
  explicit Stream(int fd, SSL* tls = nullptr) : fd_(fd), tls_(tls, &SSL_free) {}
  Stream(Stream&& other) noexcept : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}
  Stream& operator=(Stream&&) = delete;
  ~Stream() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }

  /// As send(2) and recv(2): -1 with EAGAIN where the socket would block.
  ssize_t send(const void* bytes, std::size_t size) {
    if (!tls_) return ::send(fd_, bytes, size, MSG_NOSIGNAL);
    return outcome(SSL_write(tls_.get(), bytes, static_cast<int>(size)));
  }
  ssize_t receive(void* into, std::size_t room) {
    if (!tls_) return ::recv(fd_, into, room, 0);
    return outcome(SSL_read(tls_.get(), into, static_cast<int>(room)));
  }
  /// Decrypted bytes that no readiness of the socket will tell of.
  bool pending() const { return tls_ && SSL_pending(tls_.get()) > 0; }

 private:
  ssize_t outcome(int result) {
    if (result > 0) return result;
    const int error = SSL_get_error(tls_.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
  }

  int fd_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
};

}  // namespace bench
