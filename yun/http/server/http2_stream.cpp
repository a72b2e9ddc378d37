// Http2's streams: from a request head to the handler and to the end.

#include <algorithm>

#include "yun/base/sanitizers.hpp"
#include "yun/http/codec1/writer.hpp"
#include "yun/http/problem.hpp"
#include "yun/http/server/http2.hpp"

namespace yun::http::server {

namespace {
constexpr std::size_t kSpareStreams = kSanitized ? 0 : 128;
constexpr Duration kFirstPiece = std::chrono::milliseconds(50);
constexpr std::size_t kFirstBytes = 16 << 10;
constexpr std::size_t kMostTrailers = 32;
constexpr std::size_t kMostTrailer = 8 << 10;
}  // namespace

// ---- what comes in ----

codec2::StreamState* Http2::on_begin(std::uint32_t) {
  // Handlers of streams that were reset may still run: a client cannot start more work than that by resetting.
  if (busy_ >= 2 * static_cast<std::size_t>(options_.h2_max_streams)) return nullptr;
  std::unique_ptr<Stream> stream;
  if (spare_.empty()) {
    stream = std::make_unique<Stream>(options_.head);
    stream->request.peer = link_.transport->peer();
    stream->request.tls = link_.transport->is_tls();
    stream->request.scheme = stream->request.tls ? "https" : "http";
  } else {
    stream = std::move(spare_.back());
    spare_.pop_back();
  }
  stream->index = streams_.size();
  stream->request.version = Version::Http2;
  stream->quiet_since = link_.shard.loop.now();
  Stream* raw = stream.get();
  streams_.push_back(std::move(stream));
  return raw;
}

void Http2::on_field(codec2::StreamState& state, const codec2::HeaderField& field) {
  Stream& stream = static_cast<Stream&>(state);
  if (!stream.head_complete) {
    stream.builder.add(field.name, field.value, stream.request, true);
  } else if (stream.trailers_in.size() < kMostTrailers && field.name.size() + field.value.size() < kMostTrailer) {
    stream.trailers_in.add_parsed(field.name, field.value);
  }
}

void Http2::on_head(codec2::StreamState& state) {
  Stream& stream = static_cast<Stream&>(state);
  stream.head_complete = true;
  if (const auto length = stream.builder.content_length()) stream.content_left = static_cast<std::int64_t>(*length);
  consider(stream);
}

void Http2::on_data(codec2::StreamState& state, std::string_view bytes) {
  Stream& stream = static_cast<Stream&>(state);
  stream.received += bytes.size();
  if (!stream.answered) stream.quiet_since = link_.shard.loop.now();
  // The connection's window is given back at once, the stream's when the handler has read: one slow handler holds up no other stream.
  session_.consume_connection(bytes.size());
  const bool too_much = stream.body_limit > 0 && stream.received > stream.body_limit;
  if (stream.discards || too_much) {
    if (stream.received <= options_.drain_body) session_.consume_stream(stream, bytes.size());
    if (too_much) stream.readable.set();
    return;
  }
  if (stream.buffering) session_.consume_stream(stream, bytes.size());
  stream.incoming.append(bytes);
  woken_ |= stream.waits_for_body;
  stream.readable.set();
  if (stream.first_awaited && stream.incoming.size() >= kFirstBytes) consider(stream);
}

void Http2::on_end(codec2::StreamState& state) {
  Stream& stream = static_cast<Stream&>(state);
  stream.ended = true;
  woken_ |= stream.waits_for_body;
  stream.readable.set();
  consider(stream);
}

void Http2::consider(Stream& stream) {
  if (stream.dispatched || stream.pending || !stream.head_complete || stream.head_sent) return;
  if (stream.buffering && !stream.ended) return;
  stream.pending = true;
  pending_.push_back(&stream);
}

// ---- to the handler ----

void Http2::dispatch_pending() {
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Stream* stream = pending_[i];
    if (!stream) continue;  // reset in the meantime
    stream->pending = false;
    if (!stream->gone) dispatch(*stream);
  }
  pending_.clear();
}

bool Http2::is_complete(Stream& stream) {
  if (stream.buffering) return true;
  if (const codec1::ParseError* error = stream.builder.finish(stream.request)) {
    refuse(stream, *error);
    return false;
  }
  stream.grpc = stream.request.headers.get("content-type").value_or("").starts_with("application/grpc");
  stream.connect = stream.builder.is_extended_connect();
  stream.body_limit = stream.grpc || stream.connect ? ~std::uint64_t{0} : options_.max_body;
  const std::uint64_t length = stream.builder.content_length().value_or(0);
  if (length > stream.body_limit || stream.received > stream.body_limit) {
    static constexpr codec1::ParseError kTooLarge{413, "body_too_large", "the request body is too large"};
    refuse(stream, kTooLarge);
    return false;
  }
  stream.continue_wanted = stream.builder.expect_continue();
  const bool small = !stream.connect && stream.builder.content_length() && length <= options_.buffered_body && !stream.continue_wanted;
  if (!stream.ended && small) {
    stream.buffering = true;
    session_.consume_stream(stream, stream.incoming.size());
    return false;
  }
  if (!stream.ended && !stream.grpc && !stream.connect && !stream.continue_wanted && stream.incoming.size() < kFirstBytes && !std::exchange(stream.first_awaited, true)) {
    if (!armed()) arm(link_.shard.loop.now() + kFirstPiece);
    return false;
  }
  return true;
}

void Http2::dispatch(Stream& stream) {
  if (!is_complete(stream)) return;
  stream.buffering = false;
  begin_body(stream);
  ++requests_;
  if (options_.max_requests_per_connection > 0 && requests_ >= options_.max_requests_per_connection) drain();
  stream.started = link_.shard.loop.tick();
  if (stream.grpc) {
    stream.context.emplace(link_.life);
  } else {
    stream.context.emplace(link_.life, stream.started + options_.request_timeout);
  }
  stream.dispatched = true;
  Task<void> task;
  try {
    task = link_.shard.shared.handler.handle(*stream.context, stream.request, stream.response);
    if (task && task.run()) {
      task.result();
      task = {};
    }
  } catch (...) {
    task = {};
    crashed(stream, std::current_exception());
  }
  if (!task && is_whole(stream)) {
    check_tunnel(stream);
    submit_head(stream);
    return;
  }
  stream.busy = true;
  ++busy_;
  scope_.spawn(serve(stream, std::move(task)));
}

Task<void> Http2::serve(Stream& stream, Task<void> task) {
  if (task) {
    std::exception_ptr exception;
    try {
      (void)co_await std::move(task);  // gives nothing
    } catch (...) {
      exception = std::current_exception();
    }
    if (exception) crashed(stream, exception);
  }
  if (!stream.gone) {
    check_tunnel(stream);
    submit_head(stream);
    wake_writer();
  }
  if (!stream.closed && !is_whole(stream)) {
    if (has_answer_body(stream)) {
      stream.context->lift_deadline();
      auto produced = co_await produce(stream);
      if (!stream.gone) {
        if (produced) {
          stream.out_done = true;
          session_.resume(stream, kWriteSize);
        } else {
          const bool late = produced.error().code() == Code::Cancelled || produced.error().code() == Code::DeadlineExceeded;
          fail(stream, produced.error(), late ? codec2::ErrorCode::Cancel : codec2::ErrorCode::InternalError);
        }
        wake_writer();
      }
    } else {
      stream.response.body.abandon();
    }
  }
  stream.busy = false;
  --busy_;
  if (stream.closed) release(stream);
}

void Http2::refuse(Stream& stream, const codec1::ParseError& error) {
  link_.shard.shared.refused(error.status, error.reason);
  Context ctx;
  Error why(code_from_http(error.status), std::string(error.detail));
  stream.response = problem(ctx, std::move(why).with_http_status(error.status).with_reason(std::string(error.reason)));
  stream.discards = true;
  stream.buffering = false;
  submit_head(stream);
  wake_writer();
}

void Http2::crashed(Stream& stream, std::exception_ptr exception) {
  link_.shard.shared.unhandled(exception);
  codec1::clear(stream.response);
  stream.response = problem(*stream.context, internal_error("exception").with_reason("handler_exception"));
}

// ---- its end ----

void Http2::fail(Stream& stream, const Error& error, codec2::ErrorCode code) {
  if (!stream.failure) stream.failure = error;
  session_.reset(stream, code);
  if (stream.context) stream.context->cancel(error);
  wake_writer();
}

/// What the session has closed: answered, or broken off by either side.
void Http2::take_closed() {
  session_.take_closed(closing_);
  for (codec2::StreamState* state : closing_) closed(static_cast<Stream&>(*state));
  closing_.clear();
}

void Http2::closed(Stream& stream) {
  stream.closed = true;
  if (stream.pending) std::replace(pending_.begin(), pending_.end(), &stream, static_cast<Stream*>(nullptr));
  if (!stream.busy) {
    release(stream);
    return;
  }
  if (!stream.answered) {
    if (!stream.failure) stream.failure = cancelled("the client has reset the stream").with_reason("client_closed");
    stream.context->cancel(*stream.failure);
  }
  stream.readable.set();
  stream.drained.set();
}

void Http2::release(Stream& stream) {
  if (stream.dispatched) {
    if (!stream.answered && !stream.failure) stream.failure = cancelled("the client has reset the stream").with_reason("client_closed");
    stream.outcome.bytes_received = stream.received;
    stream.outcome.duration = link_.shard.loop.tick() - stream.started;
    stream.outcome.error = stream.failure ? &*stream.failure : nullptr;
    if (!stream.streams) stream.outcome.bytes_sent = stream.sent;
    link_.shard.shared.handler.finished(*stream.context, stream.request, stream.response, stream.outcome);
  }
  end_body(stream);
  std::unique_ptr<Stream> own = std::move(streams_[stream.index]);
  if (stream.index + 1 < streams_.size()) {
    streams_[stream.index] = std::move(streams_.back());
    streams_[stream.index]->index = stream.index;
  }
  streams_.pop_back();
  own->forget();
  if (spare_.size() < kSpareStreams) spare_.push_back(std::move(own));
}

}  // namespace yun::http::server
