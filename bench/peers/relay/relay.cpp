// The floor of a proxy: one epoll loop that copies bytes between each connection and one of its own to the upstream, and understands nothing.
//
//     relay PORT UPSTREAM_PORT

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const sockaddr_in at = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(fd, 1024) != 0) {
    std::perror("relay: listen");
    std::exit(1);
  }
  return fd;
}

class Relay {
 public:
  explicit Relay(int upstream) : upstream_(upstream), poll_(epoll_create1(0)) {}

  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
  }

  void run(int listener) {
    watch(listener);
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener) {
          take(listener);
        } else if (!copy(fd)) {
          part(fd);
        }
      }
    }
  }

 private:
  void take(int listener) {
    for (int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK); fd >= 0; fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) {
      const int other = socket(AF_INET, SOCK_STREAM, 0);
      const sockaddr_in at = loopback(upstream_);
      if (connect(other, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
        close(other);
        close(fd);
        continue;
      }
      const int one = 1;
      for (int end : {fd, other}) {
        setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (static_cast<std::size_t>(end) >= other_.size()) other_.resize(static_cast<std::size_t>(end) + 1, -1);
        watch(end);
      }
      other_[static_cast<std::size_t>(fd)] = other;
      other_[static_cast<std::size_t>(other)] = fd;
    }
  }

  /// Messages of a bench are small: a socket that does not take one whole ends the pair rather than be waited for.
  bool copy(int fd) {
    const int other = other_[static_cast<std::size_t>(fd)];
    if (other < 0) return true;  // parted by an earlier event of this round
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    return got > 0 && send(other, buffer_.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL | MSG_DONTWAIT) == got;
  }

  void part(int fd) {
    const int other = std::exchange(other_[static_cast<std::size_t>(fd)], -1);
    other_[static_cast<std::size_t>(other)] = -1;
    close(fd);
    close(other);
  }

  int upstream_, poll_;
  std::vector<int> other_;
  std::array<char, 65536> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: relay PORT UPSTREAM_PORT\n", stderr);
    return 2;
  }
  Relay(std::atoi(argv[2])).run(listen_on(std::atoi(argv[1])));
}
