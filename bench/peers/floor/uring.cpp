// The same floor on io_uring instead of epoll: multishot accept and receive into provided buffers, all answers of a turn sent with the one system call
// that waits for the next. The least that a server could cost if the runtime stood on io_uring (docs/decisions/io-uring.md).
//
//     floor_uring PORT FILE [TYPE]        200 with FILE's bytes as the body; TYPE is the Content-Type (application/json)

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

constexpr unsigned kEntries = 1024;
constexpr unsigned kBuffers = 512;  // a power of two
constexpr unsigned kBufferBytes = 4096;
constexpr std::size_t kMostAtOnce = 64;  // answers of one send
constexpr std::uint64_t kAccept = 1ULL << 32;
constexpr std::uint64_t kSend = 1ULL << 33;

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

[[noreturn]] void fail(const char* what, int error) {
  std::fprintf(stderr, "floor_uring: %s: %s\n", what, std::strerror(error));
  std::exit(1);
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(fd, 1024) != 0) fail("listen", errno);
  return fd;
}

class Server {
 public:
  Server(int listener, const std::string& answer) : listener_(listener), answer_(answer.size()), buffers_(std::size_t{kBuffers} * kBufferBytes) {
    for (std::size_t i = 0; i < kMostAtOnce; ++i) answers_ += answer;
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    params.cq_entries = 4 * kEntries;
    if (const int error = io_uring_queue_init_params(kEntries, &ring_, &params)) fail("io_uring", -error);
    void* memory = nullptr;
    if (const int error = posix_memalign(&memory, 4096, kBuffers * sizeof(io_uring_buf))) fail("memory", error);
    provided_ = static_cast<io_uring_buf_ring*>(memory);
    io_uring_buf_ring_init(provided_);
    io_uring_buf_reg reg{};
    reg.ring_addr = reinterpret_cast<std::uint64_t>(provided_);
    reg.ring_entries = kBuffers;
    if (const int error = io_uring_register_buf_ring(&ring_, &reg, 0)) fail("provided buffers", -error);
    for (unsigned i = 0; i < kBuffers; ++i) give(i);
    io_uring_buf_ring_advance(provided_, std::exchange(given_, 0));
  }

  void run() {
    accept();
    for (;;) {
      if (const int done = io_uring_submit_and_wait(&ring_, 1); done < 0 && done != -EINTR) fail("wait", -done);
      io_uring_cqe* each = nullptr;
      unsigned head = 0, seen = 0;
      io_uring_for_each_cqe(&ring_, head, each) {
        handle(*each);
        ++seen;
      }
      io_uring_cq_advance(&ring_, seen);
      if (given_ > 0) io_uring_buf_ring_advance(provided_, std::exchange(given_, 0));
    }
  }

 private:
  io_uring_sqe* entry() {
    io_uring_sqe* one = io_uring_get_sqe(&ring_);
    if (one) return one;
    io_uring_submit(&ring_);
    return io_uring_get_sqe(&ring_);
  }
  void accept() {
    io_uring_sqe* one = entry();
    io_uring_prep_multishot_accept(one, listener_, nullptr, nullptr, 0);
    io_uring_sqe_set_data64(one, kAccept);
  }
  void receive(int fd) {
    io_uring_sqe* one = entry();
    io_uring_prep_recv_multishot(one, fd, nullptr, 0, 0);
    one->flags |= IOSQE_BUFFER_SELECT;
    one->buf_group = 0;
    io_uring_sqe_set_data64(one, static_cast<std::uint64_t>(fd));
  }
  void give(unsigned index) {
    io_uring_buf_ring_add(provided_, &buffers_[std::size_t{index} * kBufferBytes], kBufferBytes, static_cast<unsigned short>(index), kBuffers - 1, static_cast<int>(given_++));
  }

  void handle(const io_uring_cqe& event) {
    if (event.user_data == kSend) return;  // only a failed one says so, and its connection's receive ends too
    if (event.user_data == kAccept) {
      if (event.res >= 0) {
        const int one = 1;
        setsockopt(event.res, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        matched_[event.res] = 0;
        receive(event.res);
      }
      if (!(event.flags & IORING_CQE_F_MORE)) accept();
      return;
    }
    const int fd = static_cast<int>(event.user_data);
    if (event.res > 0) {
      const unsigned index = event.flags >> IORING_CQE_BUFFER_SHIFT;
      std::size_t heads = heads_in({&buffers_[std::size_t{index} * kBufferBytes], static_cast<std::size_t>(event.res)}, matched_[fd]);
      give(index);
      for (; heads > 0; heads -= std::min(heads, kMostAtOnce)) send(fd, std::min(heads, kMostAtOnce));
      if (!(event.flags & IORING_CQE_F_MORE)) receive(fd);
    } else if (event.res == -ENOBUFS) {
      receive(fd);
    } else {
      matched_.erase(fd);
      close(fd);
    }
  }
  void send(int fd, std::size_t heads) {
    io_uring_sqe* one = entry();
    io_uring_prep_send(one, fd, answers_.data(), heads * answer_, MSG_NOSIGNAL | MSG_WAITALL);
    one->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(one, kSend);
  }

  const int listener_;
  const std::size_t answer_;  // bytes of one
  std::string answers_;       // kMostAtOnce of them: never written again, so sends need no copy
  std::vector<char> buffers_;
  io_uring ring_{};
  io_uring_buf_ring* provided_ = nullptr;
  unsigned given_ = 0;  // buffers that the kernel has not been told of
  std::unordered_map<int, unsigned> matched_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: floor_uring PORT FILE [TYPE]\n", stderr);
    return 2;
  }
  Server(listen_on(std::atoi(argv[1])), answer_with(argv[2], argc > 3 ? argv[3] : "application/json")).run();
}
