// The floor: one epoll loop that answers each head with canned bytes and understands nothing. What any HTTP server on this machine costs at least.
//
//     floor PORT FILE [TYPE]        200 with FILE's bytes as the body; TYPE is the Content-Type (application/json)

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

std::string answer_with(const char* file, const std::string& type) {
  std::ifstream in(file, std::ios::binary);
  const std::string body{std::istreambuf_iterator<char>(in), {}};
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// One answer for each blank line; a head that is cut off is counted when its rest comes.
std::size_t heads_in(std::string_view bytes, unsigned& matched) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  std::size_t heads = 0;
  for (char c : bytes) {
    matched = c == kEnd[matched] ? matched + 1 : (c == '\r' ? 1 : 0);
    if (matched == kEnd.size()) {
      ++heads;
      matched = 0;
    }
  }
  return heads;
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(fd, 1024) != 0) {
    std::perror("floor: listen");
    std::exit(1);
  }
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: floor PORT FILE [TYPE]\n", stderr);
    return 2;
  }
  const std::string answer = answer_with(argv[2], argc > 3 ? argv[3] : "application/json");
  const int listener = listen_on(std::atoi(argv[1]));
  const int poll = epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  std::array<epoll_event, 256> events;
  std::array<char, 16384> buffer;
  std::unordered_map<int, unsigned> matched;
  std::string out;
  for (;;) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        for (int peer = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK); peer >= 0; peer = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) {
          const int one = 1;
          setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          event = {.events = EPOLLIN, .data = {.fd = peer}};
          epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event);
          matched[peer] = 0;
        }
        continue;
      }
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        matched.erase(fd);
        close(fd);
        continue;
      }
      out.clear();
      for (std::size_t n = heads_in({buffer.data(), static_cast<std::size_t>(got)}, matched[fd]); n > 0; --n) out += answer;
      if (!out.empty() && send(fd, out.data(), out.size(), MSG_NOSIGNAL) < 0) {
        matched.erase(fd);
        close(fd);
      }
    }
  }
}
