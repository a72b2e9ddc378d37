#include "yun/http/server/http2.hpp"

namespace yun::http::server {

namespace {
constexpr std::size_t kReadSize = 32 << 10;
/// A client that takes no bytes is not read either once so much waits for it: nothing it sends can make us hold more.
constexpr std::size_t kHeldBack = 256 << 10;
constexpr Duration kStopTime = std::chrono::milliseconds(500);
constexpr Duration kIdleMemory = std::chrono::seconds(1);  // then an idle connection's spare streams and buffers go
constexpr Duration kNoticeTime = std::chrono::milliseconds(200);  // a round trip, for requests that are on their way

codec2::SessionLimits limits_of(const ServerOptions& options) {
  return {.max_streams = options.h2_max_streams,
          .stream_window = options.h2_stream_window,
          .connection_window = options.h2_connection_window,
          .max_header_list = static_cast<std::uint32_t>(options.head.max_head),
          .max_resets_per_minute = options.h2_max_resets_per_minute,
          .connect_protocol = true};
}
}  // namespace

Http2::Http2(Link& link) : link_(link), options_(link.shard.options), session_(codec2::Role::Server, *this, link.out, limits_of(options_)) {
  link_.protocol = this;
  last_frame_ = idle_since_ = link_.shard.loop.now();
}

Http2::~Http2() { link_.protocol = nullptr; }

Task<void> Http2::run() {
  session_.open();
  scope_.spawn(write_frames());
  (void)co_await read_frames();  // gives nothing
  over_ = true;
  (void)pump();
  if (!streams_.empty()) link_.life.cancel(cancelled("the client is gone").with_reason("client_closed"));
  output_.set();
  for (auto& stream : streams_) {
    if (!stream->answered && !stream->failure) stream->failure = cancelled("the connection is over").with_reason("client_closed");
    stream->closed = true;
    stream->readable.set();
    stream->drained.set();
  }
  (void)co_await scope_.join();  // gives nothing
  while (!streams_.empty()) release(*streams_.back());
  if (!link_.life.done()) (void)co_await link_.close_gently();  // gives nothing
}

// ---- in ----

bool Http2::turn() {
  in_turn_ = true;
  if (!link_.in.empty()) {
    const std::size_t before = link_.in.size();
    if (!session_.receive(link_.in, link_.shard.loop.now())) link_.shard.shared.refused(0, "http2_protocol");
    if (link_.in.size() != before) {
      last_frame_ = link_.shard.loop.now();
      pinged_ = false;
    }
    take_closed();
    dispatch_pending();
    partial_ = session_.in_block() || !link_.in.empty();
    if (link_.in.size() != before) partial_since_ = last_frame_;
  }
  in_turn_ = false;
  if (std::exchange(woken_, false)) {
    output_.set();  // the writer comes behind the handlers that were woken: what they answer leaves with the rest
  } else if (!writing_ && pump() == runtime::Io::State::WouldBlock) {
    output_.set();
  }
  return !is_over();
}

Task<void> Http2::read_frames() {
  for (;;) {
    if (!turn()) co_return;
    while (writing_ && link_.out.size() >= kHeldBack) {
      room_.reset();
      auto drained = co_await room_.wait(link_.life);
      if (!drained) co_return;
    }
    const runtime::Io io = link_.fill(kReadSize);
    if (io.state == runtime::Io::State::Done) continue;
    if (io.state != runtime::Io::State::WouldBlock) co_return;
    if (link_.transport->wanted(runtime::Interest::Read) != runtime::Interest::Read) {
      // TLS wants to write in order to read, and the writer may wait for that already.
      auto slept = co_await runtime::sleep_for(link_.wait, std::chrono::milliseconds(2));
      if (!slept) co_return;
      continue;
    }
    auto ready = co_await link_.transport->watch().ready(link_.wait, runtime::Interest::Read);
    if (!ready) co_return;
  }
}

// ---- out ----

Task<void> Http2::write_frames() {
  while (!over_) {
    output_.reset();
    dispatch_pending();
    const auto state = pump();
    room_.set();
    if (state == runtime::Io::State::Done) {
      auto woken = co_await output_.wait(link_.life);
      if (!woken) co_return;
      continue;
    }
    if (state != runtime::Io::State::WouldBlock) {
      link_.life.cancel(cancelled("the client is gone").with_reason("client_closed"));
      co_return;
    }
    writing_ = true;
    blocked_since_ = link_.shard.loop.now();
    auto ready = co_await link_.transport->watch().ready(link_.life, runtime::Interest::Write);
    writing_ = false;
    if (!ready) co_return;
  }
}

/// Frames out until there are none, or the transport takes no more.
runtime::Io::State Http2::pump() {
  for (;;) {
    const bool more = session_.produce(kWriteSize);
    const auto state = link_.try_flush();
    if (state == runtime::Io::State::Done) session_.flushed();
    take_closed();
    if (state != runtime::Io::State::Done || !more) return state;
  }
}

// ---- its end ----

void Http2::drain() {
  if (going_ != Going::No) return;
  going_ = Going::Noticed;
  noticed_at_ = link_.shard.loop.now();
  session_.notice_shutdown();
  wake_writer();
}

void Http2::sweep(TimePoint now) {
  if (over_) return;
  if (going_ == Going::No && link_.wants_to_go()) drain();
  if (going_ == Going::Noticed && now - noticed_at_ >= kNoticeTime) {
    going_ = Going::Told;
    session_.go_away(codec2::ErrorCode::NoError);
    output_.set();
  } else if (going_ == Going::Told && streams_.empty() && link_.out.empty()) {
    link_.wait.cancel(cancelled("the connection has ended"));
    return;
  }
  if (writing_ && now - blocked_since_ >= options_.stream_idle_timeout) {
    link_.life.cancel(deadline_exceeded("the client takes no bytes").with_reason("client_stalled"));
    return;
  }
  if (streams_.empty()) {
    if (now - idle_since_ >= options_.idle_timeout && going_ == Going::No) drain();
    if (now - idle_since_ >= kIdleMemory) {
      spare_.clear();
      link_.in.shrink(0);
      link_.out.shrink(0);
    }
  } else {
    idle_since_ = now;
  }
  if (options_.ping_interval > Duration::zero() && now - last_frame_ >= options_.ping_interval) {
    if (pinged_) {
      link_.life.cancel(cancelled("the client answers no ping").with_reason("client_closed"));
      return;
    }
    pinged_ = true;
    last_frame_ = now;
    session_.ping();
    output_.set();
  }
  if (partial_ && now - partial_since_ >= (session_.in_data(link_.in) ? options_.body_timeout : options_.header_timeout)) {
    partial_ = false;
    link_.shard.shared.refused(0, "header_timeout");
    session_.go_away(codec2::ErrorCode::EnhanceYourCalm);
    output_.set();
    link_.wait.cancel(deadline_exceeded("a frame did not come in time"));
    return;
  }
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (!streams_[i]->closed && !streams_[i]->gone) sweep_stream(*streams_[i], now);
  }
}

void Http2::sweep_stream(Stream& stream, TimePoint now) {
  const Duration quiet = now - stream.quiet_since;
  if (stream.answered) {
    // The answer is complete, the client still sends: told to stop, but not so soon that it takes that for a failure of the answer.
    if (quiet < kStopTime) return;
    session_.reset(stream, codec2::ErrorCode::NoError);
    output_.set();
    return;
  }
  const bool slow_body = (stream.buffering && !stream.dispatched) || (stream.waits_for_body && !stream.grpc && !stream.tunnel);
  if (slow_body && quiet >= options_.body_timeout) {
    const Error why = deadline_exceeded("the request body did not come in time").with_http_status(408).with_reason("body_timeout");
    if (stream.dispatched) {
      stream.context->cancel(why);
    } else {
      static constexpr codec1::ParseError kTimeout{408, "body_timeout", "the request body did not come in time"};
      refuse(stream, kTimeout);
    }
  } else if (stream.head_sent && !stream.grpc && !stream.tunnel && !stream.waits_for_body && quiet >= options_.stream_idle_timeout) {
    // A whole answer only waits for a client that opens no window.
    fail(stream, deadline_exceeded("nothing was streamed for too long").with_reason(stream.streams ? "stream_idle" : "client_stalled"), codec2::ErrorCode::Cancel);
  }
}

/// Bodies of unknown length have had their moment: the writer, woken, dispatches them.
void Http2::on_timer() noexcept {
  for (auto& stream : streams_) {
    if (stream->first_awaited) consider(*stream);
  }
  output_.set();
}

Task<void> serve_http2(Link& link) {
  Http2 connection(link);
  (void)co_await connection.run();  // gives nothing
}

}  // namespace yun::http::server
