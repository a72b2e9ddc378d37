#include "yun/runtime/net.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "yun/base/sanitizers.hpp"
#include "yun/base/strings.hpp"

namespace yun::runtime {

// ---- addresses ----

static_assert(sizeof(sockaddr_un) <= 112);

Address Address::from_sockaddr(const void* address, std::size_t size) {
  Address result;
  result.size_ = static_cast<std::uint32_t>(std::min(size, sizeof result.bytes_));
  std::memcpy(result.bytes_, address, result.size_);
  return result;
}

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    const auto path = text.substr(5);
    if (path.empty() || path.size() >= sizeof un.sun_path) return invalid_argument("bad Unix socket path in '" + std::string(text) + "'");
    std::memcpy(un.sun_path, path.data(), path.size());
    return from_sockaddr(&un, offsetof(sockaddr_un, sun_path) + path.size() + 1);
  }
  const auto colon = text.rfind(':');
  const auto port = colon == std::string_view::npos ? std::nullopt : parse_u64(text.substr(colon + 1));
  if (!port || *port > 65535) return invalid_argument("'" + std::string(text) + "' is not host:port");
  std::string host(text.substr(0, colon));
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(*port));
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) != 1)
      return invalid_argument("'" + host + "' is not an IPv6 address");
    return from_sockaddr(&v6, sizeof v6);
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<std::uint16_t>(*port));
  if (host.empty()) {
    v4.sin_addr.s_addr = INADDR_ANY;
  } else if (host == "localhost") {
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) {
    return invalid_argument("'" + host + "' is not an IP address");
  }
  return from_sockaddr(&v4, sizeof v4);
}

int Address::family() const { return size_ ? reinterpret_cast<const sockaddr*>(bytes_)->sa_family : AF_UNSPEC; }
bool Address::is_unix() const { return family() == AF_UNIX; }

bool Address::is_loopback() const {
  if (family() == AF_INET) return (ntohl(reinterpret_cast<const sockaddr_in*>(bytes_)->sin_addr.s_addr) >> 24) == 127;
  if (family() == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(bytes_)->sin6_addr);
  return is_unix();
}

std::uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(bytes_)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(bytes_)->sin6_port);
  return 0;
}

Address Address::with_port(std::uint16_t port) const {
  Address copy = *this;
  if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(copy.bytes_)->sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(copy.bytes_)->sin6_port = htons(port);
  return copy;
}

namespace {

/// "127.0.0.1" at `at`; gives the end. Every access log line has one, and inet_ntop goes through printf.
char* put_v4(char* at, std::uint32_t address) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    at = std::to_chars(at, at + 3, address >> shift & 255).ptr;
    *at++ = '.';
  }
  return at - 1;
}

}  // namespace

void Address::append_host(std::string& to) const {
  char text[INET6_ADDRSTRLEN] = {};
  switch (family()) {
    case AF_INET: to.append(text, put_v4(text, ntohl(reinterpret_cast<const sockaddr_in*>(bytes_)->sin_addr.s_addr))); break;
    case AF_INET6: to += ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(bytes_)->sin6_addr, text, sizeof text); break;
    case AF_UNIX: to.append("unix:").append(reinterpret_cast<const sockaddr_un*>(bytes_)->sun_path); break;
    default: break;
  }
}

void Address::append_to(std::string& to) const {
  const int family_now = family();
  if (family_now == AF_INET6) to += '[';
  append_host(to);
  if (family_now == AF_INET6) to += ']';
  if (family_now != AF_INET && family_now != AF_INET6) return;
  char port_text[6] = {':'};
  to.append(port_text, std::to_chars(port_text + 1, port_text + sizeof port_text, port()).ptr);
}

std::string Address::host() const {
  std::string text;
  append_host(text);
  return text;
}

std::string Address::to_string() const {
  std::string text;
  append_to(text);
  return text;
}

bool Address::operator==(const Address& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  switch (family()) {
    case AF_INET: return std::memcmp(&reinterpret_cast<const sockaddr_in*>(bytes_)->sin_addr, &reinterpret_cast<const sockaddr_in*>(other.bytes_)->sin_addr, sizeof(in_addr)) == 0;
    case AF_INET6: return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(bytes_)->sin6_addr, &reinterpret_cast<const sockaddr_in6*>(other.bytes_)->sin6_addr, sizeof(in6_addr)) == 0;
    default: return host() == other.host();
  }
}

// ---- transports ----

Io Transport::try_send_file(int, std::uint64_t, std::size_t) { return {Io::State::Failed, EOPNOTSUPP, 0}; }

Task<Result<std::size_t>> Transport::read(Cancel& cancel, std::span<char> into) {
  for (;;) {
    // An answer is seldom there already when its request has just left: a read that is known to find nothing is not tried.
    if (!has_pending()) YUN_CHECK(co_await watch().ready(cancel, wanted(Interest::Read)));
    const Io io = try_read(into);
    if (io.state == Io::State::Done) co_return io.bytes;
    if (io.state == Io::State::Closed) co_return std::size_t{0};
    if (io.state == Io::State::Failed) co_return from_errno(io.error, "read from " + peer().to_string());
  }
}

Task<Result<void>> Transport::write_all(Cancel& cancel, std::string_view bytes) {
  while (!bytes.empty()) {
    const Io io = try_write(bytes);
    if (io.state == Io::State::Done) {
      bytes.remove_prefix(io.bytes);
    } else if (io.state == Io::State::WouldBlock) {
      YUN_CHECK(co_await watch().ready(cancel, wanted(Interest::Write)));
    } else {
      co_return from_errno(io.state == Io::State::Closed ? EPIPE : io.error, "write to " + peer().to_string());
    }
  }
  co_return Result<void>();
}

namespace {
Address local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return Address::from_sockaddr(&storage, size);
}

// recv and send, but no points at which a thread can be cancelled: nobody here cancels one, and with threads glibc takes two locked instructions for each.
// A sanitizer has to see what passes.

ssize_t receive(int fd, std::span<char> into) {
  if constexpr (kSanitized) return ::recv(fd, into.data(), into.size(), 0);
  return ::syscall(SYS_recvfrom, fd, into.data(), into.size(), 0, nullptr, nullptr);
}

ssize_t send(int fd, std::string_view bytes, int flags) {
  if constexpr (kSanitized) return ::send(fd, bytes.data(), bytes.size(), flags);
  return ::syscall(SYS_sendto, fd, bytes.data(), bytes.size(), flags, nullptr, 0);
}

Io failed(Watch& watch, Interest interest) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    watch.block(interest);
    return {Io::State::WouldBlock, 0, 0};
  }
  return {Io::State::Failed, errno, 0};
}
}  // namespace

Socket::Socket(Fd fd, Address peer) : fd_(std::move(fd)), peer_(peer), local_(local_address(fd_.get())), watch_(fd_.get()) {
  const int one = 1;
  if (!peer_.is_unix()) ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

Io Socket::try_read(std::span<char> into) {
  ssize_t count = 0;
  do {
    count = receive(fd_.get(), into);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return failed(watch_, Interest::Read);
  if (count == 0) return {Io::State::Closed, 0, 0};
  // Less than asked: the socket is empty, so the next byte makes an edge; saves the call that would say EAGAIN.
  if (static_cast<std::size_t>(count) < into.size()) watch_.block(Interest::Read);
  return {Io::State::Done, 0, static_cast<std::size_t>(count)};
}

Io Socket::try_write(std::string_view bytes) { return send(bytes, 0); }
Io Socket::try_write_before_more(std::string_view bytes) { return send(bytes, MSG_MORE); }

Io Socket::send(std::string_view bytes, int flags) {
  ssize_t count = 0;
  do {
    count = runtime::send(fd_.get(), bytes, MSG_NOSIGNAL | flags);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return failed(watch_, Interest::Write);
  return {Io::State::Done, 0, static_cast<std::size_t>(count)};
}

Io Socket::try_send_file(int file, std::uint64_t offset, std::size_t size) {
  off_t at = static_cast<off_t>(offset);
  ssize_t count = 0;
  do {
    count = ::sendfile(fd_.get(), file, &at, size);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return failed(watch_, Interest::Write);
  if (count == 0) return {Io::State::Closed, 0, 0};  // the file became shorter
  return {Io::State::Done, 0, static_cast<std::size_t>(count)};
}

void Socket::shutdown_write() { ::shutdown(fd_.get(), SHUT_WR); }

Task<Result<std::unique_ptr<Socket>>> connect(Cancel& cancel, Address to) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return from_errno(errno, "socket for " + to.to_string());
  const int raw = fd.get();
  int refused = ::connect(raw, static_cast<const sockaddr*>(to.data()), static_cast<socklen_t>(to.size())) == 0 ? 0 : errno;
  auto socket = std::make_unique<Socket>(std::move(fd), to);
  if (refused == EINPROGRESS || refused == EAGAIN) {
    // The first edges may tell of the unconnected socket (EPOLLHUP), so the socket itself is asked until it is settled.
    for (;;) {
      socket->watch().block(Interest::Write);
      YUN_CHECK(co_await socket->watch().ready(cancel, Interest::Write));
      socklen_t size = sizeof refused;
      if (::getsockopt(raw, SOL_SOCKET, SO_ERROR, &refused, &size) != 0) refused = errno;
      if (refused != 0) break;
      sockaddr_storage peer{};
      socklen_t peer_size = sizeof peer;
      if (::getpeername(raw, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0) break;
    }
  }
  if (refused != 0) co_return from_errno(refused, "connect to " + to.to_string());
  co_return std::move(socket);
}

Result<Listener> Listener::bind(const Address& address, Options options) {
  Listener listener;
  listener.fd_ = Fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.fd_) return from_errno(errno, "socket for " + address.to_string());
  const int fd = listener.fd_.get();
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (options.reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (::bind(fd, static_cast<const sockaddr*>(address.data()), static_cast<socklen_t>(address.size())) != 0 || ::listen(fd, options.backlog) != 0)
    return from_errno(errno, "listen on " + address.to_string());
  listener.address_ = local_address(fd);
  return listener;
}

Result<std::optional<Listener::Accepted>> Listener::try_accept() {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  for (;;) {
    Fd fd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) return std::optional<Accepted>({std::move(fd), Address::from_sockaddr(&peer, size)});
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (watch_) watch_->block(Interest::Read);
      return std::optional<Accepted>();
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    return from_errno(errno, "accept");
  }
}

Task<Result<Listener::Accepted>> Listener::accept(Cancel& cancel) {
  if (!watch_) watch_ = std::make_unique<Watch>(fd_.get());
  for (;;) {
    auto accepted = try_accept();
    if (!accepted) co_return std::move(accepted).error();
    if (*accepted) co_return std::move(**accepted);
    YUN_CHECK(co_await watch_->ready(cancel, Interest::Read));
  }
}

}  // namespace yun::runtime
