// What MSG_ZEROCOPY spares, or costs, for large bodies: 1 MiB at a time from one thread to another over loopback, sent from memory with a copy, with
// MSG_ZEROCOPY, and by sendfile from a file in memory, whose pages are sent as they are: what no copy is worth when nobody has to be told of its end.
//
//     zerocopy [ROUNDS] [BODIES]        a line a round: CPU microseconds a body of the sender, and of both; then medians, and how many sends the kernel copied after all
//
// docs/decisions/io-uring.md says what to make of it: what leaves by loopback is copied by the kernel when it is delivered.

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kBody = 1 << 20;
constexpr std::size_t kBuffers = 4;  // bodies that the kernel may still be reading

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

double cpu_us(clockid_t clock) {
  timespec at{};
  clock_gettime(clock, &at);
  return static_cast<double>(at.tv_sec) * 1e6 + static_cast<double>(at.tv_nsec) / 1e3;
}

struct Pair {
  int sender = -1, receiver = -1;
};

Pair connected() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(listener, 1) != 0) fail("listen");
  getsockname(listener, reinterpret_cast<sockaddr*>(&at), &length);
  Pair pair;
  pair.receiver = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(pair.receiver, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) fail("connect");
  pair.sender = accept(listener, nullptr, nullptr);
  const int one = 1;
  setsockopt(pair.sender, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (setsockopt(pair.sender, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one) != 0) fail("SO_ZEROCOPY");
  close(listener);
  return pair;
}

enum class Way { Copy, ZeroCopy, File };

class Sender {
 public:
  explicit Sender(int fd) : fd_(fd), file_(memfd_create("body", MFD_CLOEXEC)), bodies_(kBuffers, std::vector<char>(kBody, 'x')), last_(kBuffers, -1) {
    if (write(file_, bodies_[0].data(), kBody) != static_cast<ssize_t>(kBody)) fail("memfd");
  }

  void send_bodies(std::size_t count, Way way) {
    if (way == Way::Copy) plainly(count);
    if (way == Way::ZeroCopy) without_copy(count);
    if (way == Way::File) from_file(count);
  }
  std::int64_t sends() const { return begun_; }
  std::int64_t copied() const { return copied_; }

 private:

  void plainly(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t sent = 0; sent < kBody;) sent += send_once(&bodies_[i % kBuffers][sent], kBody - sent, 0);
    }
  }
  /// A buffer is taken again when the kernel has said that it no longer reads it, as a server would have to.
  void without_copy(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = i % kBuffers;
      while (last_[at] >= done_) reap();
      for (std::size_t sent = 0; sent < kBody;) {
        sent += send_once(&bodies_[at][sent], kBody - sent, MSG_ZEROCOPY);
        last_[at] = begun_++;
      }
    }
    while (done_ < begun_) reap();
  }
  void from_file(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      for (off_t at = 0; at < static_cast<off_t>(kBody);) {
        if (sendfile(fd_, file_, &at, kBody - static_cast<std::size_t>(at)) < 0) fail("sendfile");
      }
    }
  }

  std::size_t send_once(const char* bytes, std::size_t size, int flags) {
    for (;;) {
      const ssize_t sent = send(fd_, bytes, size, flags | MSG_NOSIGNAL);
      if (sent >= 0) return static_cast<std::size_t>(sent);
      if (errno != ENOBUFS) fail("send");
      reap();  // too many pages are pinned
    }
  }
  void reap() {
    alignas(cmsghdr) char control[128];
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(fd_, &message, MSG_ERRQUEUE) < 0) {
      if (errno != EAGAIN) fail("MSG_ERRQUEUE");
      pollfd one{fd_, 0, 0};
      poll(&one, 1, -1);
      return;
    }
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
      const auto& error = *reinterpret_cast<const sock_extended_err*>(CMSG_DATA(each));
      if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY) continue;
      const std::int64_t sends = std::int64_t{error.ee_data} - error.ee_info + 1;
      done_ += sends;
      if (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) copied_ += sends;
    }
  }

  const int fd_, file_;
  std::vector<std::vector<char>> bodies_;
  std::vector<std::int64_t> last_;  // the last send that reads each body
  std::int64_t begun_ = 0, done_ = 0, copied_ = 0;
};

struct Cost {
  double sender = 0, both = 0;
};

Cost timed(Sender& sender, int receiver, std::size_t count, Way way) {
  const double all = cpu_us(CLOCK_PROCESS_CPUTIME_ID), own = cpu_us(CLOCK_THREAD_CPUTIME_ID);
  std::thread reader([&] {
    std::vector<char> buffer(1 << 16);
    for (std::size_t left = count * kBody; left > 0;) {
      const ssize_t got = recv(receiver, buffer.data(), buffer.size(), 0);
      if (got <= 0) fail("recv");
      left -= static_cast<std::size_t>(got);
    }
  });
  sender.send_bodies(count, way);
  const double spent = cpu_us(CLOCK_THREAD_CPUTIME_ID) - own;
  reader.join();
  const auto bodies = static_cast<double>(count);
  return {spent / bodies, (cpu_us(CLOCK_PROCESS_CPUTIME_ID) - all) / bodies};
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  const std::size_t count = argc > 2 ? static_cast<std::size_t>(std::atoll(argv[2])) : 1000;
  const Pair pair = connected();
  Sender sender(pair.sender);
  constexpr std::array kWays = {Way::Copy, Way::ZeroCopy, Way::File};
  std::array<std::vector<double>, kWays.size()> own, both;  // as a ratio to the copy of the same round
  for (const Way way : kWays) timed(sender, pair.receiver, count, way);
  for (int round = 0; round < rounds; ++round) {
    std::array<Cost, kWays.size()> costs;
    for (std::size_t i = 0; i < kWays.size(); ++i) {
      const std::size_t at = (i + static_cast<std::size_t>(round)) % kWays.size();
      costs[at] = timed(sender, pair.receiver, count, kWays[at]);
    }
    std::printf("copy %.0f us of the sender, %.0f of both; MSG_ZEROCOPY %.0f, %.0f; sendfile %.0f, %.0f\n", costs[0].sender, costs[0].both, costs[1].sender, costs[1].both,
                costs[2].sender, costs[2].both);
    for (std::size_t i = 0; i < kWays.size(); ++i) {
      own[i].push_back(costs[i].sender / costs[0].sender);
      both[i].push_back(costs[i].both / costs[0].both);
    }
  }
  std::printf("to the copy, medians: MSG_ZEROCOPY %.2f of the sender, %.2f of both; sendfile %.2f, %.2f; %lld of %lld MSG_ZEROCOPY sends were copied by the kernel after all\n",
              median(own[1]), median(both[1]), median(own[2]), median(both[2]), static_cast<long long>(sender.copied()), static_cast<long long>(sender.sends()));
}
