#include "yun/http/client/connection2.hpp"

#include <nghttp2/nghttp2.h>

#include "yun/http/client/stream2.hpp"

namespace yun::http::client {

namespace {

constexpr std::size_t kReadSize = 32_KiB;
constexpr std::size_t kWriteSize = 64_KiB;

Error reset_error(std::string message) {
  return unavailable(std::move(message)).with_reason("upstream_reset").with_retry_after(std::chrono::seconds(1));
}

Stream2* stream_of(nghttp2_session* session, std::int32_t id) {
  return static_cast<Stream2*>(nghttp2_session_get_stream_user_data(session, id));
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  nghttp2_nv nv{};
  nv.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  nv.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  nv.namelen = name.size();
  nv.valuelen = value.size();
  return nv;
}

/// RFC 9113 8.2.2: what belongs to a connection of HTTP/1 only.
bool is_connection_field(Headers::Field field) {
  const std::string_view name = field.name;
  if (name.starts_with(':')) return true;
  switch (name.size()) {
    case 2: return name == "te" && field.value != "trailers";
    case 4: return name == "host";
    case 7: return name == "upgrade";
    case 10: return name == "connection" || name == "keep-alive";
    case 16: return name == "proxy-connection";
    case 17: return name == "transfer-encoding";
    default: return false;
  }
}

/// Another value with each request: in HPACK's table it would only drive out what comes again, and cost both sides an insertion.
bool is_of_one_request(std::string_view name) {
  switch (name.size()) {
    case 11: return name == "traceparent";
    case 12: return name == "x-request-id" || name == "grpc-timeout";
    case 17: return name == "x-request-timeout";
    default: return false;
  }
}

}  // namespace

struct Connection2::Callbacks {
  static Connection2& self(void* user) { return *static_cast<Connection2*>(user); }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    if (auto* stream = stream_of(session, frame->hd.stream_id)) stream->on_headers_begin();
    return 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    auto* stream = stream_of(session, frame->hd.stream_id);
    if (!stream) return 0;
    const bool fits = stream->on_header({reinterpret_cast<const char*>(name), name_size}, {reinterpret_cast<const char*>(value), value_size},
                                        self(user).options_.max_response_head);
    if (fits) return 0;
    stream->reset(unavailable("bad response from upstream: its head is too large").with_reason("upstream_protocol").with_http_status(502));
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Connection2& connection = self(user);
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    auto* stream = frame->hd.stream_id ? stream_of(session, frame->hd.stream_id) : nullptr;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (stream) stream->on_headers_end(end);
        break;
      case NGHTTP2_DATA:
        if (stream && end) stream->on_end();
        break;
      case NGHTTP2_GOAWAY:
        connection.draining_ = true;
        connection.changed_.set();
        break;
      case NGHTTP2_SETTINGS: connection.changed_.set(); break;
      case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK) connection.pong_missing_ = false;
        break;
      default: break;
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void*) {
    // The connection's window goes back at once, the stream's when its reader has taken the bytes: a slow reader slows only its own stream.
    nghttp2_session_consume_connection(session, size);
    if (auto* stream = stream_of(session, id)) stream->on_data({reinterpret_cast<const char*>(data), size});
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    Connection2& connection = self(user);
    const auto found = connection.streams_.find(id);
    if (found == connection.streams_.end()) return 0;
    const auto stream = std::move(found->second);
    connection.streams_.erase(found);
    const bool refused = code == NGHTTP2_REFUSED_STREAM;
    if (stream->ended_whole()) {
      stream->on_close(nullptr, refused);
    } else {
      const Error why = reset_error(connection.peer_ + (refused ? " refused the stream" : " reset the stream: " + std::string(nghttp2_http2_strerror(code))));
      stream->on_close(&why, refused);
    }
    connection.stream_ended();
    return 0;
  }

  static ssize_t on_read(nghttp2_session* session, std::int32_t id, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                         nghttp2_data_source* source, void*) {
    auto* stream = static_cast<Stream2*>(source->ptr);
    bool end = false;
    const auto count = stream->give(reinterpret_cast<char*>(into), size, end);
    if (!count) return NGHTTP2_ERR_DEFERRED;
    if (end) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream->upload_trailers.empty()) {
        std::vector<nghttp2_nv> trailers;
        for (const Headers::Field each : stream->upload_trailers) trailers.push_back(field(each.name, each.value));
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
      }
    }
    return static_cast<ssize_t>(*count);
  }
};

Connection2::Connection2(std::unique_ptr<runtime::Transport> transport, Options options)
    : options_(options),
      transport_(std::move(transport)),
      peer_(transport_->peer().to_string()),
      stop_(runtime::Loop::current().root()),
      idle_since_(Clock::now()),
      received_(idle_since_) {}

Connection2::~Connection2() {
  if (session_) nghttp2_session_del(session_);
}

Result<std::shared_ptr<Connection2>> Connection2::start(std::unique_ptr<runtime::Transport> transport, Options options) {
  std::shared_ptr<Connection2> self(new Connection2(std::move(transport), options));
  if (auto opened = self->open_session(); !opened) return std::move(opened).error();
  self->kick();
  runtime::Loop& loop = runtime::Loop::current();
  self->tasks_ = options.ping_interval > Duration::zero() ? 3 : 2;
  loop.spawn(write(self));
  loop.spawn(read(self));
  if (options.ping_interval > Duration::zero()) loop.spawn(ping(self));
  return self;
}

Result<void> Connection2::open_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Callbacks::on_close);
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, 100);
  const int status = nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  if (status != 0) return internal_error(std::string("nghttp2: ") + nghttp2_strerror(status));
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options_.max_response_head)},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(options_.connection_window));
  return {};
}

bool Connection2::has_room() const {
  if (!is_usable()) return false;
  const std::size_t peer_allows = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return active_ < std::min(options_.max_streams, peer_allows);
}

Task<Result<void>> Connection2::exchange(Context& ctx, Request& request, Response& response, Attempt& attempt) {
  YUN_CHECK(ctx.check());
  auto self = shared_from_this();
  auto stream = std::make_shared<Stream2>(self);
  attempt.reused = std::exchange(served_, true);
  const bool streams = request.upload || !request.body.is_whole();
  const bool has_body = streams || !request.body.empty();
  if (!streams) stream->give_whole(request.body.bytes());
  if (streams) stream->expect_upload();
  if (auto submitted = submit(request, stream, has_body); !submitted) co_return std::move(submitted).error();
  if (streams) {
    attempt.started = true;
    stream->start_upload(ctx, take_producer(request));
  }
  auto head = co_await stream->wait_for_head(ctx);
  if (!head) {
    attempt.unprocessed = stream->unprocessed();
    stream->abandon();
    co_return std::move(head).error();
  }
  attempt.answered = true;
  response.status = stream->response.status;
  response.headers = std::move(stream->response.headers);
  if (stream->ended_whole() && !streams && stream->trailers.empty()) {
    response.body.assign(stream->incoming.view());
    stream->incoming.clear();
  } else {
    response.body = Body(std::make_unique<Body2>(std::move(stream)));
  }
  co_return Result<void>();
}

Result<void> Connection2::submit(const Request& request, const std::shared_ptr<Stream2>& stream, bool has_body) {
  std::vector<nghttp2_nv> fields;
  fields.reserve(request.headers.size() + 6);
  const std::string_view method = request.method == Method::Other ? std::string_view(request.method_text) : name(request.method);
  const std::string_view target = request.target.empty() ? std::string_view("/") : std::string_view(request.target);
  fields.push_back(field(":method", method));
  if (request.method != Method::Connect) {
    fields.push_back(field(":scheme", request.scheme));
    fields.push_back(field(":path", target));
  }
  fields.push_back(field(":authority", request.authority));
  const std::string length = std::to_string(request.body.bytes().size());
  const bool whole = request.body.is_whole() && !request.upload;
  // A gRPC message says how long it is itself.
  const bool is_grpc = request.headers.get("content-type").value_or("").starts_with("application/grpc");
  const bool takes_body = request.method == Method::Post || request.method == Method::Put || request.method == Method::Patch;
  const bool says_length = whole && !is_grpc && (has_body || takes_body);
  for (const Headers::Field each : request.headers) {
    if (is_connection_field(each) || (whole && each.name == "content-length")) continue;
    fields.push_back(field(each.name, each.value));
    if (is_of_one_request(each.name)) fields.back().flags = NGHTTP2_NV_FLAG_NO_INDEX;
  }
  if (says_length) fields.push_back(field("content-length", length));
  nghttp2_data_provider provider{};
  provider.source.ptr = stream.get();
  provider.read_callback = &Callbacks::on_read;
  const auto id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), has_body ? &provider : nullptr, stream.get());
  if (id < 0) {
    if (id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE) drain();
    return reset_error("stream to " + peer_ + ": " + nghttp2_strerror(id));
  }
  stream->id = id;
  streams_.emplace(id, stream);
  ++active_;
  kick();
  return {};
}

void Connection2::stream_ended() {
  --active_;
  if (active_ == 0) idle_since_ = Clock::now();
  changed_.set();
  kick();  // a connection that drains ends when the writer finds nothing left
}

void Connection2::drain() {
  draining_ = true;
  changed_.set();
  kick();
}

void Connection2::close(Error why) {
  if (std::exchange(closed_, true)) return;
  auto streams = std::move(streams_);
  streams_.clear();
  for (auto& [id, stream] : streams) stream->on_close(&why, false);
  active_ = 0;
  changed_.set();
  stop_.cancel(std::move(why));
}

/// The last task closes the socket: nothing waits on it any more.
void Connection2::task_ended() {
  if (--tasks_ == 0) transport_.reset();
}

// ---- tasks ----

Task<void> Connection2::read(std::shared_ptr<Connection2> self) {
  const auto buffer = std::make_unique<char[]>(kReadSize);
  while (!self->closed_) {
    auto count = co_await self->transport_->read(self->stop_, std::span<char>(buffer.get(), kReadSize));
    if (!count || *count == 0) {
      self->close(reset_error(self->peer_ + (count ? " closed the connection" : ": " + count.error().message())));
      break;
    }
    if (self->closed_) break;
    self->received_ = runtime::Loop::current().now();
    self->pong_missing_ = false;
    const auto used = nghttp2_session_mem_recv(self->session_, reinterpret_cast<const std::uint8_t*>(buffer.get()), *count);
    if (used < 0) {
      self->close(unavailable("bad HTTP/2 from " + self->peer_ + ": " + nghttp2_strerror(static_cast<int>(used)))
                      .with_reason("upstream_protocol")
                      .with_http_status(502));
      break;
    }
    self->kick();
  }
  self->task_ended();
}

Result<void> Connection2::flush_into(Buffer& out) {
  while (out.size() < kWriteSize) {
    const std::uint8_t* data = nullptr;
    const auto count = nghttp2_session_mem_send(session_, &data);
    if (count < 0) return reset_error("HTTP/2 to " + peer_ + ": " + nghttp2_strerror(static_cast<int>(count)));
    if (count == 0) break;
    out.append({reinterpret_cast<const char*>(data), static_cast<std::size_t>(count)});
  }
  return {};
}

Task<void> Connection2::write(std::shared_ptr<Connection2> self) {
  Buffer out;
  while (!self->closed_) {
    auto woken = co_await self->work_.wait(self->stop_);
    if (!woken) {
      self->close(std::move(woken).error());
      break;
    }
    self->work_.reset();
    while (!self->closed_) {
      out.clear();
      auto flushed = self->flush_into(out);
      if (flushed && out.empty()) break;
      if (flushed) flushed = co_await self->transport_->write_all(self->stop_, out.view());
      if (!flushed) self->close(reset_error("write to " + self->peer_ + ": " + flushed.error().message()));
    }
    out.shrink(kWriteSize);
    if (self->closed_) break;
    const bool finished = self->draining_ && self->active_ == 0;
    if (finished || (!nghttp2_session_want_read(self->session_) && !nghttp2_session_want_write(self->session_)))
      self->close(reset_error(self->peer_ + " ended the connection"));
  }
  self->task_ended();
}

Task<void> Connection2::ping(std::shared_ptr<Connection2> self) {
  while (!self->closed_) {
    auto slept = co_await runtime::sleep_for(self->stop_, self->pong_missing_ ? self->options_.ping_timeout : self->options_.ping_interval);
    if (!slept || self->closed_) break;
    if (self->pong_missing_) {
      self->close(reset_error(self->peer_ + " does not answer pings"));
      break;
    }
    const bool quiet = Clock::now() - self->received_ >= self->options_.ping_interval;
    if (!quiet || self->active_ == 0) continue;
    nghttp2_submit_ping(self->session_, NGHTTP2_FLAG_NONE, nullptr);
    self->pong_missing_ = true;
    self->kick();
  }
  self->task_ended();
}

}  // namespace yun::http::client
