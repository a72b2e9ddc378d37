#pragma once
// Link and Shard: the connections of one loop and the sweep that watches their time. Internal to the server.
//
// No timer per connection or request: each link says when it expires and why; a coarse sweep looks at all of them.

#include <atomic>
#include <memory>
#include <vector>

#include "yun/base/buffer.hpp"
#include "yun/http/server/options.hpp"
#include "yun/runtime/loop.hpp"
#include "yun/runtime/net.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::server {

class Shard;
struct Exchange;

/// What one connection is to the sweep and to drain(); implemented by Http1 and Http2.
class Protocol {
 public:
  virtual ~Protocol() = default;
  /// The server drains: finish what is in flight, take nothing new.
  virtual void drain() = 0;
  /// Each sweep. Must run no user code.
  virtual void sweep(TimePoint now) = 0;
};

/// What a link waits for, and so what its expiry means.
enum class Waits : std::uint8_t { Nothing, Handshake, FirstByte, Head, Idle, Body, Write, Stream, Linger };

/// One connection: transport, buffers, time. Lives in the frame of its coroutine.
class Link {
 public:
  Link(Shard& shard, std::unique_ptr<runtime::Transport> transport);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void expect(Waits what, Duration within);
  void expect_nothing() { waits_ = Waits::Nothing; }
  Waits waits() const { return waits_; }
  /// What the sweep found expired; Nothing if none.
  Waits expired() const { return expired_; }
  bool wants_to_go() const;

  /// Reads what there is, at most what `into` can take with `room` more bytes. While nothing is held `in` has no memory of its own: it comes from the
  /// shard with what is read.
  runtime::Io fill(std::size_t room);
  /// `out` gets memory from the shard's if it has none; gives it back if it is empty.
  void borrow_out();
  void return_out();
  /// Writes what the transport takes of `out`. Done = all gone.
  runtime::Io::State try_flush();
  /// Writes all of `out`; the stream idle timeout holds for each step.
  Task<Result<void>> flush(Cancel& cancel);
  /// After the last byte: FIN, then reads and drops for a while so that no reset overtakes what was sent.
  Task<void> close_gently();

  void sweep(TimePoint now);
  bool peer_failed() const;

  Shard& shard;
  std::unique_ptr<runtime::Transport> transport;
  Buffer in;
  Buffer out;
  /// The whole connection: cancelled on a reset, an expiry during an exchange, the end of grace.
  Cancel life;
  /// Waiting for a request only: cancelled when idle too long and on drain.
  Cancel wait;
  Protocol* protocol = nullptr;
  const std::uint64_t number;      ///< of the shard's connections
  bool watch_for_failure = false;  ///< a handler is suspended: look for a reset in the sweep

 private:
  friend class Shard;
  Waits waits_ = Waits::Nothing;
  Waits expired_ = Waits::Nothing;
  TimePoint expires_;
  TimePoint retires_;
  Link* previous_ = nullptr;
  Link* next_ = nullptr;
};

/// Of all loops; counters are atomic.
struct Shared {
  Handler& handler;
  ServerOptions options;
  std::atomic<std::size_t> connections{0};
  std::atomic<bool> draining{false};

  void refused(int status, std::string_view reason) const {
    if (options.on_refused) options.on_refused(status, reason);
  }
  void unhandled(std::exception_ptr exception) const;
};

/// One loop's part of a server. Made, used and ended on its loop.
class Shard final : private runtime::Timer {
 public:
  Shard(runtime::Loop& loop, Shared& shared);
  ~Shard();

  /// Takes a connection over and serves it until its end. The caller has counted it in (shared.connections, loop.load()).
  void adopt(runtime::Fd fd, runtime::Address peer);
  void begin_drain();
  /// Returns when no link is left.
  Task<Result<void>> wait_empty(Cancel& cancel);
  /// Cancels what is left.
  void abort();
  std::size_t size() const { return size_; }

  std::unique_ptr<Exchange> take_exchange();
  void give_back(std::unique_ptr<Exchange> exchange);

  runtime::Loop& loop;
  Shared& shared;
  const ServerOptions& options;

 private:
  friend class Link;
  void on_timer() noexcept override;
  Task<void> serve(runtime::Fd fd, runtime::Address peer);
  Task<void> speak(Link& link);

  /// Memory for the buffers of those connections that are at work: those that wait hold none.
  void lend(Buffer& to);
  void take_back(Buffer& from);

  static constexpr std::size_t kSpareBuffers = 64;
  static constexpr std::size_t kLargestSpare = 64 << 10;
  Duration tick_;
  std::vector<Buffer> spare_;
  Link* first_ = nullptr;
  std::vector<std::unique_ptr<Exchange>> spare_exchanges_;
  std::size_t size_ = 0;
  std::size_t serving_ = 0;
  std::uint64_t served_ = 0;
  runtime::Event empty_;
};

/// Connections that speak one protocol, from the first byte in `link.in` to the end.
Task<void> serve_http1(Link& link);
Task<void> serve_http2(Link& link);

}  // namespace yun::http::server
