// Open-loop load: requests are due at a fixed rate, whatever the server does, and a latency counts from the time a request was due, not from
// when a connection was free to send it. A server that stalls for a second therefore shows some second in its p99 (no coordinated omission).
//
//     openloop --port P --rate R --seconds S [--connections 64] [--pipeline DEPTH | --h2 STREAMS] [--tls on] [--method GET] [--path /] [--header 'name: value']..
//              [--header-of-connection FILE] [--body FILE] [--drain 5]
//     openloop --port P --requests N --seconds S ..
//
// A line of --header-of-connection's FILE is a header of one connection (a user's token); the lines go round. `%n` in a header's value is the request's
// number. With --requests the loop is closed: N requests in all, each as soon as a connection is free, its latency counted from then; S bounds it.
//
// One line of JSON on stdout: counts, answers by status, and latencies in microseconds of the answers below 400. What has no whole answer `drain`
// seconds after the last was due is `unfinished`, and is in the percentiles with the time that it has waited; `answered_p99` is without those, and
// `sent_p99` counts from when a connection took the request: what the server had to do with.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

#include "bench/load/connection.hpp"
#include "bench/load/histogram.hpp"

namespace {

using namespace bench;

struct Settings {
  int port = 0;
  double rate = 0, seconds = 0, drain = 5;
  std::uint64_t requests = 0;  // not 0: a closed loop
  std::size_t connections = 64, depth = 1, streams = 0;  // streams 0: HTTP/1.1
  bool tls = false;
  Work work;
  std::vector<std::pair<std::string, std::string>> of_connection;

  std::uint64_t total() const { return requests > 0 ? requests : static_cast<std::uint64_t>(rate * seconds); }
};

std::int64_t now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000ll + t.tv_nsec;
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Load {
 public:
  explicit Load(Settings settings)
      : settings_(std::move(settings)), works_(std::max<std::size_t>(1, settings_.of_connection.size()), settings_.work), poll_(epoll_create1(0)), slots_(settings_.connections) {
    for (std::size_t i = 0; i < settings_.of_connection.size(); ++i) works_[i].headers.push_back(settings_.of_connection[i]);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!connect(i)) fail("openloop: connect");
    }
  }

  void run() {
    begin_ = now() + 1'000'000;
    const std::uint64_t total = settings_.total();
    const std::int64_t last = begin_ + static_cast<std::int64_t>((settings_.seconds + settings_.drain) * 1e9);
    std::vector<epoll_event> events(1024);
    while (ended_ < total && now() < last) {
      send_what_is_due(total);
      const int ready = wait(events, total, last);
      for (int i = 0; i < ready; ++i) serve(events[static_cast<std::size_t>(i)]);
    }
    const std::int64_t at = now();
    for (auto& slot : slots_) {
      if (!slot.connection) continue;
      for (std::int64_t intended : slot.connection->in_flight()) unfinished(at - intended);
    }
    for (; next_ < total; ++next_) unfinished(at - due(next_));
    took_ = static_cast<double>(at - begin_) / 1e9;
  }

  void print() const {
    std::printf("{\"due\":%llu,\"ok\":%llu,\"refused\":%llu,\"errors\":%llu,\"grpc_errors\":%llu,\"unfinished\":%llu,\"seconds\":%.4f,\"statuses\":{",
                ull(settings_.total()), ull(ok_), ull(refused_), ull(errors_), ull(grpc_errors_), ull(unfinished_), took_);
    const char* separator = "";
    for (const auto& [status, count] : statuses_) {
      std::printf("%s\"%d\":%llu", separator, status, ull(count));
      separator = ",";
    }
    std::printf("},\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f", latency_.percentile(0.5) / 1e3, latency_.percentile(0.9) / 1e3,
                latency_.percentile(0.99) / 1e3, latency_.percentile(0.999) / 1e3, latency_.largest() / 1e3);
    std::printf(",\"answered_p99\":%.1f,\"sent_p99\":%.1f}\n", answered_.percentile(0.99) / 1e3, from_sending_.percentile(0.99) / 1e3);
  }

 private:
  struct Slot {
    std::unique_ptr<Connection> connection;
    int fd = -1;
    bool queued = false;  // in idle_
    bool writing = false;
  };
  static unsigned long long ull(std::uint64_t value) { return value; }

  static SSL_CTX* tls_context() {
    static SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    return context;
  }

  /// A closed loop's requests are all due at once; what has to wait for a connection is due when there is one.
  std::int64_t due(std::uint64_t index) const {
    return settings_.requests > 0 ? begin_ : begin_ + static_cast<std::int64_t>(static_cast<double>(index) * 1e9 / settings_.rate);
  }

  bool connect(std::size_t index) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(settings_.port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) return fd >= 0 && (::close(fd), false);
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL* tls = nullptr;
    if (settings_.tls) {
      tls = SSL_new(tls_context());
      SSL_set_fd(tls, fd);
      if (SSL_connect(tls) != 1) return SSL_free(tls), ::close(fd), false;
    }
    ::fcntl(fd, F_SETFL, O_NONBLOCK);  // only now: a full backlog and a handshake are waited for
    Stream stream(fd, tls);
    Slot& slot = slots_[index];
    slot.connection = settings_.streams == 0 ? http1_connection(std::move(stream), works_[index % works_.size()], settings_.depth)
                                               : http2_connection(std::move(stream), works_[index % works_.size()], settings_.streams);
    slot.fd = fd;
    slot.writing = false;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
    offer(index);
    return true;
  }

  void offer(std::size_t index) {
    Slot& slot = slots_[index];
    if (slot.queued || !slot.connection || slot.connection->room() == 0) return;
    slot.queued = true;
    idle_.push_back(index);
  }

  void send_what_is_due(std::uint64_t total) {
    const std::int64_t at = now();
    while (next_ < total && due(next_) <= at && !idle_.empty()) {
      const std::size_t index = idle_.front();
      idle_.pop_front();
      Slot& slot = slots_[index];
      slot.queued = false;
      if (!slot.connection || slot.connection->room() == 0) continue;
      slot.connection->start(settings_.requests > 0 ? at : due(next_), at, next_);
      ++next_;
      offer(index);
      touched_.push_back(index);
    }
    for (std::size_t index : touched_) {
      if (slots_[index].connection) settle(index, slots_[index].connection->flush(done_));
    }
    touched_.clear();
  }

  int wait(std::vector<epoll_event>& events, std::uint64_t total, std::int64_t last) const {
    const bool can_send = next_ < total && !idle_.empty();
    const std::int64_t left = std::max<std::int64_t>(0, (can_send ? due(next_) : last) - now());
    const timespec timeout{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    return std::max(0, epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr));
  }

  void serve(const epoll_event& event) {
    const std::size_t index = event.data.u64;
    Connection* connection = slots_[index].connection.get();
    if (!connection) return;
    bool alive = true;
    if (event.events & EPOLLOUT) alive = connection->flush(done_);
    if (alive && (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR))) alive = connection->readable(done_);
    settle(index, alive);
  }

  void settle(std::size_t index, bool alive) {
    const std::int64_t at = now();
    for (const Done& done : done_) count(done, at);
    done_.clear();
    Slot& slot = slots_[index];
    if (!alive) {
      slot.connection.reset();
      if (!connect(index)) ++lost_connections_;
      if (lost_connections_ >= slots_.size()) fail("openloop: the server is gone");
      return;
    }
    offer(index);
    const bool writing = slot.connection->wants_write();
    if (writing == slot.writing) return;
    slot.writing = writing;
    epoll_event event{.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.u64 = index}};
    epoll_ctl(poll_, EPOLL_CTL_MOD, slot.fd, &event);
  }

  void count(const Done& done, std::int64_t at) {
    ++ended_;
    ++statuses_[done.status];
    if (done.status == 0) {
      ++errors_;
    } else if (done.grpc_failed) {
      ++grpc_errors_;
    } else if (done.status >= 400) {
      ++refused_;
    } else {
      ++ok_;
      latency_.record(at - done.intended);
      answered_.record(at - done.intended);
      from_sending_.record(at - done.begun);
    }
  }

  void unfinished(std::int64_t waited) {
    ++unfinished_;
    latency_.record(waited);
  }

  Settings settings_;
  std::vector<Work> works_;  // one for all connections, or one for each line of --header-of-connection
  int poll_;
  std::vector<Slot> slots_;
  std::deque<std::size_t> idle_;
  std::vector<std::size_t> touched_;
  std::vector<Done> done_;
  std::int64_t begin_ = 0;
  std::uint64_t next_ = 0, ended_ = 0, ok_ = 0, refused_ = 0, errors_ = 0, grpc_errors_ = 0, unfinished_ = 0, lost_connections_ = 0;
  std::map<int, std::uint64_t> statuses_;
  Histogram latency_, answered_, from_sending_;
  double took_ = 0;
};

std::pair<std::string, std::string> header(const std::string& line) {
  const std::size_t colon = std::min(line.find(": "), line.size());
  return {line.substr(0, colon), line.substr(std::min(colon + 2, line.size()))};
}

Settings parse(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--port") settings.port = std::atoi(value.c_str());
    else if (name == "--rate") settings.rate = std::atof(value.c_str());
    else if (name == "--seconds") settings.seconds = std::atof(value.c_str());
    else if (name == "--drain") settings.drain = std::atof(value.c_str());
    else if (name == "--connections") settings.connections = std::strtoul(value.c_str(), nullptr, 10);
    else if (name == "--pipeline") settings.depth = std::strtoul(value.c_str(), nullptr, 10);
    else if (name == "--tls") settings.tls = value == "on";
    else if (name == "--h2") settings.streams = std::strtoul(value.c_str(), nullptr, 10);
    else if (name == "--method") settings.work.method = value;
    else if (name == "--path") settings.work.path = value;
    else if (name == "--requests") settings.requests = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--header" && value.find(": ") != value.npos) settings.work.headers.push_back(header(value));
    else if (name == "--header-of-connection") {
      std::ifstream file(value);
      for (std::string line; std::getline(file, line);) settings.of_connection.push_back(header(line));
    }
    else if (name == "--body") {
      std::ifstream file(value, std::ios::binary);
      settings.work.body.assign(std::istreambuf_iterator<char>(file), {});
    } else settings.rate = 0, settings.requests = 0, i = argc;
  }
  if (argc % 2 == 0 || settings.port <= 0 || settings.total() == 0 || settings.seconds <= 0 || settings.connections == 0 || settings.depth == 0) {
    std::fputs("usage: openloop --port P (--rate R | --requests N) --seconds S [--connections N] [--pipeline DEPTH | --h2 STREAMS] [--tls on] [--method M] [--path P] [--header 'n: v'].. [--header-of-connection FILE] [--body FILE] [--drain S]\n", stderr);
    std::exit(2);
  }
  settings.work.authority = "127.0.0.1:" + std::to_string(settings.port);
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings = parse(argc, argv);
  prctl(PR_SET_TIMERSLACK, 1);  // the kernel's 50 us would be in every latency
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Load load(std::move(settings));
  load.run();
  load.print();
  return 0;
}
