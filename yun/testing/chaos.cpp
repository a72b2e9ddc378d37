#include "yun/testing/chaos.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace yun::testing {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostQueued = 1 << 20;  // bytes of one direction; beyond, the sender is not read

void reset_on_close(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void send_at_once(int fd) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

runtime::Fd connect_to(const runtime::Address& server) {
  runtime::Fd fd(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), static_cast<const sockaddr*>(server.data()), static_cast<socklen_t>(server.size())) != 0) return {};
  send_at_once(fd.get());
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

/// From one side to the other.
struct Direction {
  struct Piece {
    std::string bytes;
    Clock::time_point due;
  };
  std::deque<Piece> queue;
  std::size_t queued = 0;
  std::uint64_t read = 0;   ///< bytes since the connection was made
  bool source_ended = false;
  bool ended = false;  ///< FIN was passed on
};

struct Connection {
  runtime::Fd client;
  runtime::Fd server;
  Direction up;    ///< client to server
  Direction down;  ///< server to client
  bool failed = false;
};

}  // namespace

struct ChaosProxy::State {
  runtime::Address target;
  runtime::Address own;
  runtime::Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::thread thread;

  mutable std::mutex mutex;
  std::condition_variable turned;
  Chaos chaos;
  bool cutting = false;
  bool half_closing = false;
  bool stopping = false;
  std::uint64_t asked = 0;  ///< changes asked for, and how many of them have taken effect
  std::uint64_t done = 0;
  Counts counts;

  // The thread's own.
  std::unique_ptr<runtime::Listener> listener;
  std::list<Connection> connections;

  void listen(const runtime::Address& address) {
    auto bound = runtime::Listener::bind(address);
    if (!bound) {
      std::fprintf(stderr, "chaos proxy: %s\n", bound.error().to_string().c_str());
      std::abort();
    }
    listener = std::make_unique<runtime::Listener>(*std::move(bound));
  }

  /// Changes what `change` does under the lock and waits until the thread has acted on it.
  template <typename F>
  void tell(F change) {
    std::unique_lock lock(mutex);
    change();
    const std::uint64_t mine = ++asked;
    const std::uint64_t one = 1;
    (void)!::write(wake.get(), &one, sizeof one);
    turned.wait(lock, [&] { return done >= mine; });
  }

  void serve();
  std::optional<Chaos> take_orders();
  void accept();
  int wait(const Chaos& now);
  void pump(Connection& connection, const Chaos& now);
  void fill(Connection& connection, Direction& direction, int from, const Chaos& now, bool corrupt);
  void drain(Connection& connection, Direction& direction, int to, const Chaos& now, std::uint64_t Counts::*counter);
};

void ChaosProxy::State::serve() {
  for (;;) {
    const std::optional<Chaos> ordered = take_orders();
    if (!ordered) return;
    const Chaos now = *ordered;
    (void)wait(now);
    std::uint64_t drained = 0;
    (void)!::read(wake.get(), &drained, sizeof drained);
    if (listener) accept();
    for (Connection& connection : connections) pump(connection, now);
    std::erase_if(connections, [](const Connection& one) { return one.failed || (one.up.ended && one.down.ended); });
    std::lock_guard lock(mutex);
    counts.open = connections.size();
  }
}

/// What the test wants from here on, nullopt for the end; cuts and half-closes are done at once.
std::optional<Chaos> ChaosProxy::State::take_orders() {
  std::lock_guard lock(mutex);
  if (stopping) {
    done = asked;
    turned.notify_all();
    return std::nullopt;
  }
  if (chaos.mode == Mode::Refuse && listener) listener.reset();
  if (chaos.mode != Mode::Refuse && !listener) listen(own);
  if (std::exchange(cutting, false)) {
    for (Connection& each : connections) {
      reset_on_close(each.client.get());
      reset_on_close(each.server.get());
    }
    connections.clear();
  }
  if (std::exchange(half_closing, false)) {
    for (Connection& each : connections) {
      ::shutdown(each.client.get(), SHUT_WR);
      each.down.ended = true;
    }
  }
  counts.open = connections.size();
  done = asked;
  turned.notify_all();
  return chaos;
}

void ChaosProxy::State::accept() {
  for (;;) {
    auto accepted = listener->try_accept();
    if (!accepted || !*accepted) return;
    Connection connection{.client = std::move((*accepted)->fd), .server = connect_to(target), .up = {}, .down = {}};
    {
      std::lock_guard lock(mutex);
      ++counts.accepted;
    }
    if (!connection.server) {
      reset_on_close(connection.client.get());
      continue;
    }
    send_at_once(connection.client.get());
    connections.push_back(std::move(connection));
  }
}

/// Until something can be done: a byte, room, an order, or a delayed piece that is due.
int ChaosProxy::State::wait(const Chaos& now) {
  std::vector<pollfd> watched = {{wake.get(), POLLIN, 0}};
  if (listener) watched.push_back({listener->fd(), POLLIN, 0});
  auto due = Clock::time_point::max();
  const auto time = Clock::now();
  for (const Connection& each : connections) {
    if (now.mode == Mode::Blackhole) continue;
    const auto interest = [&](const Direction& in, const Direction& out) {
      short events = 0;
      if (!in.source_ended && in.queued < kMostQueued) events |= POLLIN;
      if (!out.queue.empty() && out.queue.front().due <= time) events |= POLLOUT;
      return events;
    };
    for (const Direction* direction : {&each.up, &each.down}) {
      if (!direction->queue.empty() && direction->queue.front().due > time) due = std::min(due, direction->queue.front().due);
    }
    // A socket with no interest would still report that it hung up, at once and for ever.
    if (const short events = interest(each.up, each.down)) watched.push_back({each.client.get(), events, 0});
    if (const short events = interest(each.down, each.up)) watched.push_back({each.server.get(), events, 0});
  }
  const int timeout = due == Clock::time_point::max() ? -1 : static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(due - time).count());
  return ::poll(watched.data(), watched.size(), timeout);
}

void ChaosProxy::State::pump(Connection& connection, const Chaos& now) {
  if (now.mode == Mode::Blackhole) return;
  fill(connection, connection.up, connection.client.get(), now, false);
  fill(connection, connection.down, connection.server.get(), now, now.mode == Mode::Corrupt);
  drain(connection, connection.up, connection.server.get(), now, &Counts::to_server);
  drain(connection, connection.down, connection.client.get(), now, &Counts::to_client);
}

void ChaosProxy::State::fill(Connection& connection, Direction& direction, int from, const Chaos& now, bool corrupt) {
  std::array<char, 16 << 10> bytes;
  while (!direction.source_ended && !connection.failed && direction.queued < kMostQueued) {
    const ssize_t count = ::recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (count < 0) {
      // What breaks on one side breaks on the other.
      reset_on_close(connection.client.get());
      reset_on_close(connection.server.get());
      connection.failed = true;
      return;
    }
    if (count == 0) {
      direction.source_ended = true;
      return;
    }
    std::string piece(bytes.data(), static_cast<std::size_t>(count));
    for (char& byte : piece) {
      ++direction.read;
      if (corrupt && direction.read % std::max<std::uint64_t>(1, now.every) == 0) byte = static_cast<char>(~byte);
    }
    direction.queued += piece.size();
    direction.queue.push_back({std::move(piece), Clock::now() + now.delay});
  }
}

void ChaosProxy::State::drain(Connection& connection, Direction& direction, int to, const Chaos& now, std::uint64_t Counts::*counter) {
  const auto time = Clock::now();
  while (!connection.failed && !direction.queue.empty() && direction.queue.front().due <= time) {
    std::string& piece = direction.queue.front().bytes;
    if (direction.ended) {  // after half_close(): it goes nowhere
      direction.queued -= piece.size();
      direction.queue.pop_front();
      continue;
    }
    const std::size_t size = now.mode == Mode::OneByte ? 1 : piece.size();
    std::lock_guard lock(mutex);  // so that whoever has read a byte sees it counted
    const ssize_t count = ::send(to, piece.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      connection.failed = errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
      return;
    }
    const auto sent = static_cast<std::size_t>(count);
    direction.queued -= sent;
    piece.erase(0, sent);
    counts.*counter += sent;
    if (piece.empty()) direction.queue.pop_front();
  }
  if (direction.source_ended && direction.queue.empty() && !direction.ended) {
    ::shutdown(to, SHUT_WR);
    direction.ended = true;
  }
}

ChaosProxy::ChaosProxy(runtime::Address server) : state_(std::make_unique<State>()) {
  state_->target = server;
  state_->listen(*runtime::Address::parse("127.0.0.1:0"));
  state_->own = state_->listener->address();
  state_->thread = std::thread([state = state_.get()] { state->serve(); });
}

ChaosProxy::~ChaosProxy() {
  state_->tell([this] { state_->stopping = true; });
  state_->thread.join();
}

runtime::Address ChaosProxy::address() const { return state_->own; }

void ChaosProxy::set(Chaos chaos) {
  state_->tell([&] { state_->chaos = chaos; });
}

void ChaosProxy::cut() {
  state_->tell([this] { state_->cutting = true; });
}

void ChaosProxy::half_close() {
  state_->tell([this] { state_->half_closing = true; });
}

ChaosProxy::Counts ChaosProxy::counts() const {
  std::lock_guard lock(state_->mutex);
  return state_->counts;
}

}  // namespace yun::testing
