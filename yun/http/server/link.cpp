#include "yun/http/server/link.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "yun/base/ids.hpp"
#include "yun/base/sanitizers.hpp"
#include "yun/http/server/exchange.hpp"
#include "yun/http/tls/tls.hpp"

namespace yun::http::server {

namespace {
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr Duration kMaxTick = std::chrono::milliseconds(250);
constexpr Duration kMinTick = std::chrono::milliseconds(5);
constexpr Duration kLinger = std::chrono::seconds(2);
constexpr std::size_t kMaxLinger = 1 << 20;
constexpr Duration kFirstByteInDrain = std::chrono::milliseconds(500);

Duration tick_for(const ServerOptions& options) {
  Duration least = kMaxTick;
  for (const Duration each : {options.header_timeout, options.idle_timeout, options.body_timeout, options.stream_idle_timeout}) least = std::min(least, each / 4);
  return std::max(least, kMinTick);
}
}  // namespace

void Shared::unhandled(std::exception_ptr exception) const {
  if (options.on_unhandled) {
    options.on_unhandled(exception);
  } else {
    runtime::on_unhandled(exception);
  }
}

// ---- links ----

Link::Link(Shard& shard_, std::unique_ptr<runtime::Transport> transport_)
    : shard(shard_), transport(std::move(transport_)), life(shard_.loop.root()), wait(life), number(++shard_.served_), retires_(TimePoint::max()) {
  const Duration age = shard.options.max_connection_age;
  if (age > Duration::zero()) {
    const auto jittered = static_cast<std::int64_t>(static_cast<double>(age.count()) * (0.9 + 0.2 * random_unit()));
    retires_ = shard.loop.now() + Duration(jittered);
  }
  next_ = shard.first_;
  if (next_) next_->previous_ = this;
  shard.first_ = this;
  ++shard.size_;
  if (!shard.armed()) shard.arm(shard.loop.now() + shard.tick_);
}

Link::~Link() {
  (previous_ ? previous_->next_ : shard.first_) = next_;
  if (next_) next_->previous_ = previous_;
  --shard.size_;
  in.clear();
  out.clear();
  shard.take_back(in);
  shard.take_back(out);
}

void Link::expect(Waits what, Duration within) {
  waits_ = what;
  expires_ = shard.loop.now() + within;
}

bool Link::wants_to_go() const { return shard.shared.draining.load(std::memory_order_relaxed) || shard.loop.now() >= retires_; }

runtime::Io Link::fill(std::size_t room) {
  runtime::Watch& watch = transport->watch();
  runtime::Io io{runtime::Io::State::WouldBlock, 0, 0};
  if (watch.is_ready(transport->wanted(runtime::Interest::Read)) || transport->has_pending()) {
    shard.lend(in);
    const std::span<char> into = in.prepare(room);
    io = transport->try_read(into);
  }
  if (io.state == runtime::Io::State::Done) {
    in.commit(io.bytes);
  } else {
    shard.take_back(in);
  }
  return io;
}

void Link::borrow_out() { shard.lend(out); }
void Link::return_out() { shard.take_back(out); }

runtime::Io::State Link::try_flush() {
  while (!out.empty()) {
    const runtime::Io io = transport->try_write(out.view());
    if (io.state != runtime::Io::State::Done) return io.state;
    out.consume(io.bytes);
  }
  return runtime::Io::State::Done;
}

Task<Result<void>> Link::flush(Cancel& cancel) {
  const Waits before = waits_;
  for (;;) {
    const auto state = try_flush();
    if (state == runtime::Io::State::Done) break;
    if (state != runtime::Io::State::WouldBlock) co_return unavailable("the client is gone").with_reason("client_closed");
    expect(Waits::Write, shard.options.stream_idle_timeout);
    YUN_CHECK(co_await transport->watch().ready(cancel, transport->wanted(runtime::Interest::Write)));
  }
  if (before != waits_) waits_ = Waits::Nothing;
  co_return Result<void>();
}

Task<void> Link::close_gently() {
  if (try_flush() != runtime::Io::State::Done) co_return;
  transport->shutdown_write();
  expect(Waits::Linger, kLinger);
  std::size_t dropped = 0;
  while (dropped < kMaxLinger && !life.done()) {
    in.clear();
    const runtime::Io io = fill(16 << 10);
    if (io.state == runtime::Io::State::WouldBlock) {
      auto ready = co_await transport->watch().ready(life, transport->wanted(runtime::Interest::Read));
      if (!ready) co_return;
    } else if (io.state == runtime::Io::State::Done) {
      dropped += io.bytes;
    } else {
      co_return;
    }
  }
}

bool Link::peer_failed() const {
  pollfd poll_one{transport->watch().fd(), 0, 0};
  return ::poll(&poll_one, 1, 0) == 1 && (poll_one.revents & (POLLERR | POLLHUP)) != 0;
}

void Link::sweep(TimePoint now) {
  if (watch_for_failure && transport->watch().hung_up() && peer_failed()) {
    watch_for_failure = false;
    life.cancel(cancelled("the client is gone").with_reason("client_closed"));
    return;
  }
  if (protocol) protocol->sweep(now);
  if (waits_ == Waits::Nothing || now < expires_) return;
  expired_ = std::exchange(waits_, Waits::Nothing);
  switch (expired_) {
    case Waits::FirstByte:
    case Waits::Head:
    case Waits::Idle: wait.cancel(deadline_exceeded("no request came in time")); break;
    case Waits::Body:
      life.cancel(deadline_exceeded("the request body did not come in time").with_http_status(408).with_reason("body_timeout"));
      break;
    case Waits::Stream: life.cancel(deadline_exceeded("nothing was streamed for too long").with_reason("stream_idle")); break;
    case Waits::Write: life.cancel(deadline_exceeded("the client takes no bytes").with_reason("client_stalled")); break;
    default: life.cancel(deadline_exceeded("too slow")); break;
  }
}

// ---- shards ----

std::unique_ptr<Exchange> Shard::take_exchange() {
  if (spare_exchanges_.empty()) return std::make_unique<Exchange>();
  auto exchange = std::move(spare_exchanges_.back());
  spare_exchanges_.pop_back();
  return exchange;
}

void Shard::give_back(std::unique_ptr<Exchange> exchange) {
  if (!kSanitized && spare_exchanges_.size() < kSpareBuffers) spare_exchanges_.push_back(std::move(exchange));
}

Shard::Shard(runtime::Loop& of_loop, Shared& of_all) : loop(of_loop), shared(of_all), options(of_all.options), tick_(tick_for(of_all.options)) {}
Shard::~Shard() = default;

void Shard::lend(Buffer& to) {
  if (to.capacity() > 0 || spare_.empty()) return;
  to.swap(spare_.back());
  spare_.pop_back();
}

void Shard::take_back(Buffer& from) {
  if (from.capacity() == 0 || !from.empty()) return;
  if (!kSanitized && spare_.size() < kSpareBuffers && from.capacity() <= kLargestSpare) {
    spare_.emplace_back(std::move(from));
  } else {
    from.shrink(0);
  }
}

void Shard::on_timer() noexcept {
  const TimePoint now = loop.now();
  for (Link* link = first_; link; link = link->next_) link->sweep(now);
  if (first_) arm(now + tick_);
}

void Shard::adopt(runtime::Fd fd, runtime::Address peer) {
  ++serving_;
  empty_.reset();
  loop.spawn(serve(std::move(fd), peer));
}

Task<void> Shard::serve(runtime::Fd fd, runtime::Address peer) {
  {
    std::unique_ptr<runtime::Transport> transport;
    auto socket = std::make_unique<runtime::Socket>(std::move(fd), peer);
    if (options.tls) {
      transport = options.tls->accept(std::move(socket));
    } else {
      transport = std::move(socket);
    }
    Link link(*this, std::move(transport));
    try {
      (void)co_await speak(link);  // gives nothing
    } catch (...) {
      shared.unhandled(std::current_exception());
    }
  }
  shared.connections.fetch_sub(1, std::memory_order_relaxed);
  loop.load().fetch_sub(1, std::memory_order_relaxed);
  if (--serving_ == 0) empty_.set();
}

Task<void> Shard::speak(Link& link) {
  if (options.tls) {
    link.expect(Waits::Handshake, options.handshake_timeout);
    auto shaken = co_await tls::handshake(link.life, *link.transport);
    link.expect_nothing();
    if (!shaken) {
      if (!link.life.done()) shared.refused(0, "tls_handshake");
      co_return;
    }
    if (link.transport->alpn() == "h2") {
      (void)co_await serve_http2(link);  // gives nothing
      co_return;
    }
  }
  // The first bytes say which protocol it is.
  const bool late = shared.draining.load(std::memory_order_relaxed);
  link.expect(Waits::FirstByte, late ? std::min(options.header_timeout, kFirstByteInDrain) : options.header_timeout);
  for (;;) {
    const std::string_view seen = link.in.view();
    const std::size_t common = std::min(seen.size(), kPreface.size());
    if (seen.substr(0, common) != kPreface.substr(0, common)) break;
    if (common == kPreface.size()) {
      link.expect_nothing();
      (void)co_await serve_http2(link);  // gives nothing
      co_return;
    }
    const runtime::Io io = link.fill(8 << 10);
    if (io.state == runtime::Io::State::Done) continue;
    if (io.state != runtime::Io::State::WouldBlock) co_return;
    auto ready = co_await link.transport->watch().ready(link.wait, link.transport->wanted(runtime::Interest::Read));
    if (!ready) break;  // too slow: HTTP/1 answers 408 if a byte came, else closes
  }
  (void)co_await serve_http1(link);  // gives nothing
}

void Shard::begin_drain() {
  for (Link* link = first_; link; link = link->next_) {
    if (link->protocol) {
      link->protocol->drain();
    } else if (link->waits() == Waits::FirstByte && link->in.empty()) {
      link->expect(Waits::FirstByte, std::min(options.header_timeout, kFirstByteInDrain));
    }
  }
}

Task<Result<void>> Shard::wait_empty(Cancel& cancel) {
  while (serving_ > 0) YUN_CHECK(co_await empty_.wait(cancel));
  co_return Result<void>();
}

void Shard::abort() {
  for (Link* link = first_; link; link = link->next_) link->life.cancel(cancelled("the server stops").with_reason("shutdown"));
}

}  // namespace yun::http::server
