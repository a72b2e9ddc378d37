#include "yun/http/server/http2.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>

namespace yun::http::server {

namespace {
constexpr std::size_t kReadSize = 32 << 10;
constexpr std::size_t kWriteSize = 64 << 10;
constexpr Duration kStopTime = std::chrono::milliseconds(500);
constexpr Duration kNoticeTime = std::chrono::milliseconds(200);  // a round trip, for requests that are on their way

std::string_view text(const std::uint8_t* bytes, std::size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }
}  // namespace

// ---- nghttp2's callbacks ----

struct Http2::Callbacks {
  static Stream* stream_of(nghttp2_session* session, std::int32_t id) { return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id)); }

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Stream* stream = static_cast<Http2*>(self)->make_stream(frame->hd.stream_id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    return 0;
  }
  static int header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                    std::size_t value_size, std::uint8_t, void*) {
    Stream* stream = stream_of(session, frame->hd.stream_id);
    if (!stream || frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      stream->builder.add(text(name, name_size), text(value, value_size), stream->request);
    } else if (stream->trailers_in.size() < 32 && name_size + value_size < (8 << 10) && name_size > 0 && name[0] != ':') {
      stream->trailers_in.add(text(name, name_size), text(value, value_size));
    }
    return 0;
  }
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM PROTOCOL_ERROR, not silence
  }
  static int frame_received(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    Http2& owner = *static_cast<Http2*>(self);
    owner.last_frame_ = owner.link_.shard.loop.now();
    owner.pinged_ = false;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* stream = stream_of(session, frame->hd.stream_id);
    if (!stream) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) stream->head_complete = true;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
      stream->ended = true;
      stream->readable.set();
    }
    if (frame->hd.type == NGHTTP2_HEADERS || stream->ended) owner.consider(*stream);
    return 0;
  }
  static int data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size, void* self) {
    Stream* stream = stream_of(session, id);
    if (!stream) {
      nghttp2_session_consume(session, id, size);
    } else {
      static_cast<Http2*>(self)->take_data(*stream, text(bytes, size));
    }
    return 0;
  }
  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS);
    Stream* stream = ends ? stream_of(session, frame->hd.stream_id) : nullptr;
    if (!stream) return 0;
    stream->answered = stream->discards = true;
    stream->quiet_since = static_cast<Http2*>(self)->link_.shard.loop.now();
    return 0;
  }
  static int stream_closed(nghttp2_session* session, std::int32_t id, std::uint32_t, void* self) {
    if (Stream* stream = stream_of(session, id)) static_cast<Http2*>(self)->closed(*stream);
    return 0;
  }

  static nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* callbacks = nullptr;
      nghttp2_session_callbacks_new(&callbacks);
      nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
      nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, invalid_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
      nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
      return callbacks;
    }();
    return made;
  }
};

// ---- the connection ----

Http2::Http2(Link& link) : link_(link), options_(link.shard.options) {
  link_.protocol = this;
  last_frame_ = idle_since_ = link.shard.loop.now();
}

Http2::~Http2() {
  link_.protocol = nullptr;
  if (session_) nghttp2_session_del(session_);
}

bool Http2::open() {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) return false;
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_settings(option, 32);
  nghttp2_option_set_max_outbound_ack(option, 100);
  nghttp2_option_set_max_continuations(option, 8);
  nghttp2_option_set_stream_reset_rate_limit(option, options_.h2_max_resets_per_minute, std::max<std::uint32_t>(1, options_.h2_max_resets_per_minute / 60));
  const int made = nghttp2_session_server_new2(&session_, Callbacks::table(), this, option);
  nghttp2_option_del(option);
  if (made != 0) return false;
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.h2_max_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.h2_stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options_.head.max_head)},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(options_.h2_connection_window));
  return true;
}

Task<void> Http2::run() {
  if (!open()) co_return;
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

Task<void> Http2::read_frames() {
  for (;;) {
    const std::string_view bytes = link_.in.view();
    if (!bytes.empty()) {
      const ssize_t used = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      if (used < 0) {
        link_.shard.shared.refused(0, "http2_protocol");
        co_return;
      }
      link_.in.consume(static_cast<std::size_t>(used));
      dispatch_pending();
    }
    if (!writing_ && pump() == runtime::Io::State::WouldBlock) output_.set();
    if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) co_return;
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

Task<void> Http2::write_frames() {
  while (!over_) {
    output_.reset();
    dispatch_pending();
    const auto state = pump();
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
    bool more = false;
    while (link_.out.size() < kWriteSize) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size < 0) return runtime::Io::State::Failed;
      if (size == 0) break;
      link_.out.append(text(bytes, static_cast<std::size_t>(size)));
      more = link_.out.size() >= kWriteSize;
    }
    const auto state = link_.try_flush();
    if (state != runtime::Io::State::Done || !more) return state;
  }
}

void Http2::drain() {
  if (going_ != Going::No) return;
  going_ = Going::Noticed;
  noticed_at_ = link_.shard.loop.now();
  nghttp2_submit_shutdown_notice(session_);
  output_.set();
}

void Http2::sweep(TimePoint now) {
  if (over_ || !session_) return;
  if (going_ == Going::No && link_.wants_to_go()) drain();
  if (going_ == Going::Noticed && now - noticed_at_ >= kNoticeTime) {
    going_ = Going::Told;
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR, nullptr, 0);
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
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    output_.set();
  }
  for (auto& each : streams_) {
    Stream& stream = *each;
    if (stream.closed) continue;
    const Duration quiet = now - stream.quiet_since;
    if (!stream.head_complete && quiet >= options_.header_timeout) {
      link_.shard.shared.refused(0, "header_timeout");
      nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
      output_.set();
      return;
    }
    if (stream.answered) {
      // The answer is complete, the client still sends: told to stop, but not so soon that it takes that for a failure of the answer.
      if (quiet >= kStopTime) {
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_NO_ERROR);
        output_.set();
      }
      continue;
    }
    const bool slow_body = (stream.buffering && !stream.dispatched) || (stream.waits_for_body && !stream.grpc);
    if (slow_body && quiet >= options_.body_timeout) {
      const Error why = deadline_exceeded("the request body did not come in time").with_http_status(408).with_reason("body_timeout");
      if (stream.dispatched) {
        stream.context->cancel(why);
      } else {
        static constexpr codec1::ParseError kTimeout{408, "body_timeout", "the request body did not come in time"};
        refuse(stream, kTimeout);
      }
    } else if (stream.streams && !stream.grpc && !stream.waits_for_body && quiet >= options_.stream_idle_timeout) {
      fail(stream, deadline_exceeded("nothing was streamed for too long").with_reason("stream_idle"), NGHTTP2_CANCEL);
    }
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
