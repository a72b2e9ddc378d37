#include "yun/http/client/connection2.hpp"

#include <algorithm>
#include <charconv>

#include "yun/base/sanitizers.hpp"
#include "yun/base/strings.hpp"
#include "yun/http/client/stream2.hpp"
#include "yun/http/codec1/text.hpp"

namespace yun::http::client {

namespace {

constexpr std::size_t kReadSize = 32_KiB;
constexpr std::size_t kWriteSize = 64_KiB;
constexpr std::size_t kKeptSize = 16_KiB;  // of each buffer while nothing is written
constexpr std::size_t kSpareStreams = kSanitized ? 0 : 64;

Error reset_error(std::string message) {
  return unavailable(std::move(message)).with_reason("upstream_reset").with_retry_after(std::chrono::seconds(1));
}
Error protocol_error(std::string message) { return unavailable(std::move(message)).with_reason("upstream_protocol").with_http_status(502); }

Stream2& stream_of(codec2::StreamState& state) { return static_cast<Stream2&>(state); }

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
    case 14: return name == "content-length";
    case 17: return name == "x-request-timeout";
    default: return false;
  }
}

/// Never to stand in a table, here or further on (RFC 7541 7.1.3).
bool is_secret(std::string_view name) {
  switch (name.size()) {
    case 6: return name == "cookie";
    case 13: return name == "authorization";
    case 19: return name == "proxy-authorization";
    default: return false;
  }
}

codec2::SessionLimits limits_of(const Connection2::Options& options) {
  return {.max_streams = static_cast<std::uint32_t>(std::min<std::size_t>(options.max_streams, codec2::kMaxStreamId)),
          .stream_window = options.stream_window,
          .connection_window = options.connection_window,
          .max_header_list = static_cast<std::uint32_t>(std::min<std::size_t>(options.max_response_head, codec2::kMaxStreamId))};
}

}  // namespace

Connection2::Connection2(std::unique_ptr<runtime::Transport> transport, Options options)
    : options_(options),
      transport_(std::move(transport)),
      peer_(transport_->peer().to_string()),
      session_(codec2::Role::Client, *this, out_, limits_of(options_)),
      stop_(runtime::Loop::current().root()),
      idle_since_(Clock::now()),
      received_(idle_since_) {}

Connection2::~Connection2() = default;

std::shared_ptr<Connection2> Connection2::start(std::unique_ptr<runtime::Transport> transport, Options options) {
  std::shared_ptr<Connection2> self(new Connection2(std::move(transport), options));
  self->session_.open();
  self->kick();
  runtime::Loop& loop = runtime::Loop::current();
  self->tasks_ = options.ping_interval > Duration::zero() ? 3 : 2;
  loop.spawn(write(self));
  loop.spawn(read(self));
  if (options.ping_interval > Duration::zero()) loop.spawn(ping(self));
  return self;
}

// ---- exchanges ----

Task<Result<void>> Connection2::exchange(Context& ctx, Request& request, Response& response, Attempt& attempt) {
  YUN_CHECK(ctx.check());
  attempt.reused = std::exchange(served_, true);
  if (!has_room()) {
    attempt.unprocessed = true;
    co_return reset_error(peer_ + " takes no more streams");
  }
  std::shared_ptr<Stream2> stream = make_stream();
  const bool streams = request.upload || !request.body.is_whole();
  {
    // Until this goes the head comes into `response`, and a whole body is sent from `request`.
    const Stream2::Lent lent(*stream, request, response);
    submit(request, stream, streams);
    if (streams) {
      attempt.started = true;
      stream->start_upload(ctx, take_producer(request));
    }
    while (!stream->head_done && !stream->failed()) {
      stream->arrived().reset();
      auto waited = co_await stream->arrived().wait(ctx);
      if (!waited) stream->reset(waited.error());
    }
  }
  if (!stream->head_done || stream->failed_in_head()) {
    attempt.unprocessed = stream->unprocessed();
    stream->abandon();
    response.headers.clear();
    response.status = Response().status;
    co_return stream->failure();
  }
  attempt.answered = true;
  if (stream->ended_whole() && !streams && stream->trailers.empty()) {
    response.body.assign(stream->incoming.view());
    recycle(std::move(stream));
  } else {
    response.body = Body(std::make_unique<Body2>(std::move(stream)));
  }
  co_return Result<void>();
}

void Connection2::submit(const Request& request, const std::shared_ptr<Stream2>& stream, bool streams) {
  const bool has_body = streams || !request.body.empty();
  session_.begin_request(*stream);
  stream->begin(stream, streams);
  session_.put(":method", request.method == Method::Other ? std::string_view(request.method_text) : name(request.method));
  if (request.method != Method::Connect) {
    session_.put(":scheme", request.scheme);
    session_.put(":path", request.target.empty() ? std::string_view("/") : std::string_view(request.target));
  }
  session_.put(":authority", request.authority);
  put_fields(request.headers, !streams);
  // A gRPC message says how long it is itself.
  const bool is_grpc = request.headers.get("content-type").value_or("").starts_with("application/grpc");
  const bool takes_body = request.method == Method::Post || request.method == Method::Put || request.method == Method::Patch;
  if (!streams && !is_grpc && (has_body || takes_body)) {
    char length[20];
    const auto end = std::to_chars(length, length + sizeof length, request.body.bytes().size()).ptr;
    session_.put_once("content-length", {length, static_cast<std::size_t>(end - length)});
  }
  session_.end_head(*stream, !has_body);
  if (has_body && !streams) session_.resume(*stream, kWriteSize);
  kick();
}

void Connection2::put_fields(const Headers& headers, bool without_length) {
  std::string cleaned;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const Headers::Field field = headers[i];
    if (is_connection_field(field) || (without_length && field.name == "content-length")) continue;
    std::string_view value = trim(field.value);
    if (!headers.is_sendable(i)) {
      if (!codec1::is_token(field.name)) continue;
      cleaned.assign(value);
      std::replace_if(cleaned.begin(), cleaned.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, ' ');
      value = trim(std::string_view(cleaned));
    }
    if (is_of_one_request(field.name)) {
      session_.put_once(field.name, value);
    } else if (is_secret(field.name)) {
      session_.put_once(field.name, value, true);
    } else {
      session_.put(field.name, value);
    }
  }
}

std::shared_ptr<Stream2> Connection2::make_stream() {
  if (spare_.empty()) return std::make_shared<Stream2>(shared_from_this());
  std::shared_ptr<Stream2> stream = std::move(spare_.back());
  spare_.pop_back();
  stream->attach(shared_from_this());
  return stream;
}

void Connection2::recycle(std::shared_ptr<Stream2> stream) {
  if (stream.use_count() != 1 || !stream->is_reusable()) return;
  const std::shared_ptr<Connection2> connection = stream->detach();
  if (!connection->closed_ && connection->spare_.size() < kSpareStreams) connection->spare_.push_back(std::move(stream));
}

void Connection2::collect(const Error* why) {
  session_.take_closed(ended_);
  if (ended_.empty()) return;
  for (codec2::StreamState* state : ended_) {
    Stream2& stream = stream_of(*state);
    const bool refused = stream.reset_code == codec2::ErrorCode::RefusedStream && stream.was_reset;
    if (stream.remote_done || stream.failed()) {
      stream.on_close(nullptr, refused);
    } else if (why) {
      stream.on_close(why, false);
    } else {
      const std::string code(codec2::name(stream.reset_code));
      const Error error = refused          ? reset_error(peer_ + " refused the stream")
                          : stream.broken ? protocol_error("bad response from upstream: " + peer_ + " broke the rules of HTTP/2: " + code)
                                          : reset_error(peer_ + " reset the stream: " + code);
      stream.on_close(&error, refused);
    }
  }
  ended_.clear();
  if (active() == 0) idle_since_ = Clock::now();
  changed_.set();
}

void Connection2::drain() {
  draining_ = true;
  changed_.set();
  kick();
}

void Connection2::close(Error why) {
  if (std::exchange(closed_, true)) return;
  session_.close_all();
  collect(&why);
  spare_.clear();
  changed_.set();
  stop_.cancel(std::move(why));
}

/// The last task closes the socket: nothing waits on it any more.
void Connection2::task_ended() {
  if (--tasks_ == 0) transport_.reset();
}

// ---- told by the session ----

void Connection2::on_field(codec2::StreamState& state, const codec2::HeaderField& field) {
  stream_of(state).on_field(field.name, field.value, options_.max_response_head);
}

void Connection2::on_head(codec2::StreamState& state) { stream_of(state).on_head(); }

void Connection2::on_data(codec2::StreamState& state, std::string_view bytes) {
  // The connection's window goes back at once, the stream's when its reader has taken the bytes: a slow reader slows only its own stream.
  session_.consume_connection(bytes.size());
  stream_of(state).on_data(bytes);
}

void Connection2::on_end(codec2::StreamState& state) { stream_of(state).arrived().set(); }

codec2::Piece Connection2::on_produce(codec2::StreamState& state, std::span<char> room) { return stream_of(state).give(room); }

void Connection2::on_trailers(codec2::StreamState& state) {
  session_.begin_trailers(state);
  put_fields(stream_of(state).upload_trailers, false);
  session_.end_head(state, true);
}

// ---- tasks ----

/// False: the connection is over.
bool Connection2::receive() {
  received_ = runtime::Loop::current().now();
  pong_missing_ = false;
  const bool had_room = has_room();
  if (!session_.receive(in_, received_)) {
    if (!writing_) (void)transport_->try_write(out_.view());  // the GOAWAY, as far as it goes
    close(protocol_error("bad HTTP/2 from " + peer_ + ": " + std::string(session_.error_words())));
    return false;
  }
  draining_ |= session_.peer_goes();
  collect(nullptr);
  if (has_room() != had_room) changed_.set();
  if (!out_.empty() || session_.has_queued() || is_over()) kick();
  return true;
}

Task<void> Connection2::read(std::shared_ptr<Connection2> self) {
  while (!self->closed_) {
    const std::span<char> room = self->in_.prepare(kReadSize);
    auto count = co_await self->transport_->read(self->stop_, room);
    if (!count || *count == 0) {
      self->close(reset_error(self->peer_ + (count ? " closed the connection" : ": " + count.error().message())));
      break;
    }
    if (self->closed_) break;
    self->in_.commit(*count);
    if (!self->receive()) break;
  }
  self->task_ended();
}

Task<void> Connection2::write(std::shared_ptr<Connection2> self) {
  Buffer sending;
  while (!self->closed_) {
    auto woken = co_await self->work_.wait(self->stop_);
    if (!woken) {
      self->close(std::move(woken).error());
      break;
    }
    self->work_.reset();
    while (!self->closed_) {
      (void)self->session_.produce(kWriteSize);  // what is left comes with the next round
      self->collect(nullptr);
      if (self->out_.empty()) break;
      sending.clear();
      sending.swap(self->out_);
      self->writing_ = true;
      auto written = co_await self->transport_->write_all(self->stop_, sending.view());
      self->writing_ = false;
      if (!written) self->close(reset_error("write to " + self->peer_ + ": " + written.error().message()));
      self->session_.flushed();
    }
    sending.clear();
    sending.shrink(kKeptSize);
    self->out_.shrink(kKeptSize);
    if (!self->closed_ && self->is_over()) self->close(reset_error(self->peer_ + " ended the connection"));
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
    if (!quiet || self->active() == 0) continue;
    self->session_.ping();
    self->pong_missing_ = true;
    self->kick();
  }
  self->task_ended();
}

}  // namespace yun::http::client
