// Http2's streams: from a request head to the end of its answer.

#include <nghttp2/nghttp2.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "yun/base/strings.hpp"
#include "yun/http/codec1/writer.hpp"
#include "yun/http/server/http2.hpp"

namespace yun::http::server {

namespace {
constexpr std::size_t kHighWater = 64 << 10;  // of one stream's unsent bytes: its producer waits
constexpr std::size_t kLowWater = 32 << 10;
constexpr std::size_t kSpareStreams = 16;
constexpr Duration kFirstPiece = std::chrono::milliseconds(50);
constexpr std::size_t kFirstBytes = 16 << 10;

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

bool is_of_connection(std::string_view name) {
  return name == "connection" || name == "keep-alive" || name == "proxy-connection" || name == "transfer-encoding" || name == "upgrade" || name == "date" ||
         name == "content-length";
}

nghttp2_nv field(std::string_view name, std::string_view value, std::uint8_t flags) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())), reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
          value.size(), flags};
}

void forget(Stream& stream) {
  stream.id = 0;
  stream.builder.reset();
  codec1::clear(stream.request);
  codec1::clear(stream.response);
  stream.context.reset();
  stream.outcome = {};
  stream.head_complete = stream.pending = stream.buffering = stream.first_awaited = stream.dispatched = stream.ended = stream.closed = false;
  stream.busy = stream.head_sent = stream.answered = stream.discards = stream.continue_wanted = stream.grpc = false;
  stream.failure.reset();
  stream.incoming.clear();
  stream.reading.clear();
  stream.incoming.shrink(4 << 10);
  stream.reading.shrink(4 << 10);
  stream.received = stream.body_limit = 0;
  stream.trailers_in.clear();
  stream.readable.reset();
  stream.waits_for_body = false;
  stream.sent = 0;
  stream.outgoing.clear();
  stream.outgoing.shrink(4 << 10);
  stream.streams = stream.out_done = stream.deferred = false;
  stream.trailers_out.clear();
  stream.drained.reset();
}
}  // namespace

// ---- what handlers and producers see ----

class Http2::RequestBody final : public BodySource {
 public:
  RequestBody(Http2& owner, Stream& stream) : owner_(&owner), stream_(&stream) { stream.source = this; }
  ~RequestBody() override {
    if (stream_) stream_->source = nullptr;
  }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override {
    if (stream_) return owner_->next_piece(*stream_, ctx);
    return gone();
  }
  const Headers* trailers() const override { return stream_ ? &stream_->trailers_in : nullptr; }
  void abandon() override {
    if (!stream_ || stream_->closed || stream_->ended) return;
    stream_->discards = true;
  }
  void detach() { stream_ = nullptr; }

 private:
  static Task<Result<std::optional<std::string_view>>> gone() { co_return cancelled("the request of this body is over"); }
  Http2* owner_;
  Stream* stream_;
};

class Http2::ResponseBody final : public BodyWriter {
 public:
  ResponseBody(Http2& owner, Stream& stream) : owner_(owner), stream_(stream) {}

  Task<Result<void>> write(Context& ctx, std::string_view bytes) override {
    if (stream_.closed) co_return *stream_.failure;
    if (bytes.empty() || !owner_.has_answer_body(stream_)) co_return ctx.check();
    stream_.outgoing.append(bytes);
    stream_.outcome.bytes_sent += bytes.size();
    if (stream_.deferred) {
      stream_.deferred = false;
      nghttp2_session_resume_data(owner_.session_, stream_.id);
    }
    owner_.output_.set();
    while (stream_.outgoing.size() > kHighWater && !stream_.closed) {
      stream_.drained.reset();
      YUN_CHECK(co_await stream_.drained.wait(ctx));
    }
    if (stream_.closed) co_return *stream_.failure;
    co_return Result<void>();
  }
  void set_trailer(std::string_view name, std::string_view value) override { stream_.trailers_out.set(name, value); }

 private:
  Http2& owner_;
  Stream& stream_;
};

// ---- streams ----

Stream* Http2::make_stream(std::int32_t id) {
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
  stream->id = id;
  stream->index = streams_.size();
  stream->request.version = Version::Http2;
  stream->quiet_since = link_.shard.loop.now();
  Stream* raw = stream.get();
  streams_.push_back(std::move(stream));
  return raw;
}

void Http2::consider(Stream& stream) {
  if (stream.dispatched || stream.pending || !stream.head_complete || stream.head_sent) return;
  if (stream.buffering && !stream.ended) return;
  stream.pending = true;
  pending_.push_back(&stream);
}

void Http2::dispatch_pending() {
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Stream* stream = pending_[i];
    if (!stream) continue;  // reset in the meantime
    stream->pending = false;
    dispatch(*stream);
  }
  pending_.clear();
}

void Http2::dispatch(Stream& stream) {
  if (!stream.buffering) {
    if (const codec1::ParseError* error = stream.builder.finish(stream.request)) {
      refuse(stream, *error);
      return;
    }
    stream.grpc = stream.request.headers.get("content-type").value_or("").starts_with("application/grpc");
    stream.body_limit = stream.grpc ? ~std::uint64_t{0} : options_.max_body;
    const std::uint64_t length = stream.builder.content_length().value_or(0);
    if (length > stream.body_limit || (stream.received > stream.body_limit)) {
      static constexpr codec1::ParseError kTooLarge{413, "body_too_large", "the request body is too large"};
      refuse(stream, kTooLarge);
      return;
    }
    stream.continue_wanted = stream.builder.expect_continue();
    const bool small = stream.builder.content_length() && length <= options_.buffered_body && !stream.continue_wanted;
    if (!stream.ended && small) {
      stream.buffering = true;
      const std::size_t early = stream.incoming.size();
      if (early > 0) nghttp2_session_consume_stream(session_, stream.id, early);
      return;
    }
    if (!stream.ended && !stream.grpc && !stream.continue_wanted && stream.incoming.size() < kFirstBytes && !std::exchange(stream.first_awaited, true)) {
      if (!armed()) arm(link_.shard.loop.now() + kFirstPiece);
      return;
    }
  }
  stream.buffering = false;
  if (stream.ended) {
    stream.request.body.assign(stream.incoming.view());
    stream.incoming.clear();
  } else {
    stream.request.body = Body(std::unique_ptr<BodySource>(new RequestBody(*this, stream)));
  }
  ++requests_;
  if (options_.max_requests_per_connection > 0 && requests_ >= options_.max_requests_per_connection) drain();
  stream.started = Clock::now();
  if (stream.grpc) {
    stream.context.emplace(link_.life);
  } else {
    stream.context.emplace(link_.life, stream.started + options_.request_timeout);
  }
  stream.dispatched = true;
  Task<void> task;
  try {
    task = link_.shard.shared.handler.handle(*stream.context, stream.request, stream.response);
  } catch (...) {
    crashed(stream, std::current_exception());
  }
  if (!task && is_whole(stream)) {
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
  if (!stream.closed) {
    submit_head(stream);
    output_.set();
  }
  if (!stream.closed && !is_whole(stream)) {
    if (has_answer_body(stream)) {
      stream.context->lift_deadline();
      auto produced = co_await produce(stream);
      if (!stream.closed) {
        if (produced) {
          stream.out_done = true;
          if (std::exchange(stream.deferred, false)) nghttp2_session_resume_data(session_, stream.id);
        } else {
          const bool late = produced.error().code() == Code::Cancelled || produced.error().code() == Code::DeadlineExceeded;
          fail(stream, produced.error(), late ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
        }
        output_.set();
      }
    } else {
      stream.response.body.abandon();
    }
  }
  stream.busy = false;
  --busy_;
  if (stream.closed) release(stream);
}

Task<Result<void>> Http2::produce(Stream& stream) {
  ResponseBody out(*this, stream);
  if (stream.response.stream) {
    Result<void> produced;
    std::exception_ptr exception;
    try {
      produced = co_await stream.response.stream->produce(*stream.context, out);
    } catch (...) {
      exception = std::current_exception();
    }
    if (!exception) co_return produced;
    link_.shard.shared.unhandled(exception);
    co_return internal_error("an exception in a streamed response").with_reason("handler_exception");
  }
  for (;;) {
    auto piece = co_await stream.response.body.next(*stream.context);
    if (!piece) co_return std::move(piece).error();
    if (!*piece) break;
    const std::string_view bytes = **piece;
    YUN_CHECK(co_await out.write(*stream.context, bytes));
  }
  if (const Headers* trailers = stream.response.body.trailers()) {
    for (const Headers::Field each : *trailers) stream.trailers_out.add(each.name, each.value);
  }
  co_return Result<void>();
}

void Http2::refuse(Stream& stream, const codec1::ParseError& error) {
  link_.shard.shared.refused(error.status, error.reason);
  Context ctx;
  Error why(code_from_http(error.status), std::string(error.detail));
  stream.response = problem(ctx, std::move(why).with_http_status(error.status).with_reason(std::string(error.reason)));
  stream.discards = true;
  stream.buffering = false;
  submit_head(stream);
  output_.set();
}

void Http2::crashed(Stream& stream, std::exception_ptr exception) {
  link_.shard.shared.unhandled(exception);
  codec1::clear(stream.response);
  stream.response = problem(*stream.context, internal_error("exception").with_reason("handler_exception"));
}

void Http2::fail(Stream& stream, const Error& error, std::uint32_t code) {
  if (!stream.failure) stream.failure = error;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, code);
  if (stream.context) stream.context->cancel(error);
  output_.set();
}

/// nghttp2 has forgotten the stream.
void Http2::closed(Stream& stream) {
  stream.closed = true;
  nghttp2_session_set_stream_user_data(session_, stream.id, nullptr);
  if (stream.pending) std::replace(pending_.begin(), pending_.end(), &stream, static_cast<Stream*>(nullptr));
  if (!stream.busy) {
    release(stream);
    return;
  }
  if (!stream.failure) stream.failure = cancelled("the client has reset the stream").with_reason("client_closed");
  stream.context->cancel(*stream.failure);
  stream.readable.set();
  stream.drained.set();
}

void Http2::release(Stream& stream) {
  if (stream.dispatched) {
    if (!stream.answered && !stream.failure) stream.failure = cancelled("the client has reset the stream").with_reason("client_closed");
    stream.outcome.bytes_received = stream.received;
    stream.outcome.duration = Clock::now() - stream.started;
    stream.outcome.error = stream.failure ? &*stream.failure : nullptr;
    if (!stream.streams) stream.outcome.bytes_sent = stream.sent;
    link_.shard.shared.handler.finished(*stream.context, stream.request, stream.response, stream.outcome);
  }
  if (auto* source = static_cast<RequestBody*>(stream.source)) source->detach();
  stream.source = nullptr;
  std::unique_ptr<Stream> own = std::move(streams_[stream.index]);
  if (stream.index + 1 < streams_.size()) {
    streams_[stream.index] = std::move(streams_.back());
    streams_[stream.index]->index = stream.index;
  }
  streams_.pop_back();
  forget(*own);
  if (spare_.size() < kSpareStreams) spare_.push_back(std::move(own));
}

// ---- answers ----

bool Http2::is_whole(const Stream& stream) const { return !stream.response.stream && (stream.response.file || stream.response.body.is_whole()); }

bool Http2::has_answer_body(const Stream& stream) const { return stream.request.method != Method::Head && status_has_body(stream.response.status); }

void Http2::submit_head(Stream& stream) {
  Response& response = stream.response;
  const bool whole = is_whole(stream);
  const bool body = has_answer_body(stream);
  stream.head_sent = true;
  stream.streams = !whole && body;
  stream.quiet_since = link_.shard.loop.now();

  char status[4];
  const int code = response.status >= 200 && response.status < 600 ? response.status : 500;
  std::to_chars(status, status + 3, code);
  char length[20];
  std::string_view length_text;
  std::vector<nghttp2_nv> fields;
  fields.reserve(response.headers.size() + 4);
  std::vector<std::string> cleaned;
  cleaned.reserve(response.headers.size());
  fields.push_back(field(":status", {status, 3}, NGHTTP2_NV_FLAG_NO_COPY_NAME));
  for (const Headers::Field each : response.headers) {
    if (each.name == "content-length") length_text = each.value;
    if (is_of_connection(each.name) || !codec1::is_token(each.name)) continue;
    constexpr std::uint8_t kNoCopy = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
    if (codec1::first_control(each.value) == each.value.size()) {
      fields.push_back(field(each.name, each.value, kNoCopy));  // lives as long as the stream
    } else {
      cleaned.emplace_back(each.value);
      std::replace_if(cleaned.back().begin(), cleaned.back().end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, ' ');
      fields.push_back(field(each.name, cleaned.back(), NGHTTP2_NV_FLAG_NO_COPY_NAME));
    }
  }
  fields.push_back(field("date", codec1::date(link_.shard.loop.now()), NGHTTP2_NV_FLAG_NO_COPY_NAME));
  const std::size_t size = response.file ? static_cast<std::size_t>(response.file->size) : response.body.bytes().size();
  const bool trailers = !response.trailers.empty();
  if (whole && status_has_body(code) && !(size == 0 && (stream.grpc || (stream.request.method == Method::Head && !length_text.empty())))) {
    const auto end = std::to_chars(length, length + sizeof length, size).ptr;
    length_text = {length, static_cast<std::size_t>(end - length)};
  } else if (whole && stream.grpc) {
    length_text = {};
  }
  if (!length_text.empty() && status_has_body(code) && parse_u64(length_text)) fields.push_back(field("content-length", length_text, NGHTTP2_NV_FLAG_NO_COPY_NAME));

  const bool no_data = !body || (whole && size == 0);
  if (no_data && trailers && body) {
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, fields.data(), fields.size(), nullptr);
    submit_trailers(stream, response.trailers);
    return;
  }
  nghttp2_data_provider provider{};
  provider.read_callback = [](nghttp2_session* session, std::int32_t id, std::uint8_t* into, std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                              void* self) -> ssize_t {
    auto* of = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
    if (!of) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return static_cast<Http2*>(self)->give_data(*of, into, room, flags);
  };
  const int submitted = nghttp2_submit_response(session_, stream.id, fields.data(), fields.size(), no_data ? nullptr : &provider);
  if (submitted != 0) fail(stream, internal_error("HTTP/2: " + std::string(nghttp2_strerror(submitted))), NGHTTP2_INTERNAL_ERROR);
}

void Http2::submit_trailers(Stream& stream, const Headers& trailers) {
  std::vector<nghttp2_nv> fields;
  fields.reserve(trailers.size());
  for (const Headers::Field each : trailers) {
    if (is_of_connection(each.name) || !codec1::is_token(each.name) || codec1::first_control(each.value) != each.value.size()) continue;
    fields.push_back(field(each.name, each.value, NGHTTP2_NV_FLAG_NONE));
  }
  nghttp2_submit_trailer(session_, stream.id, fields.data(), fields.size());
}

/// Fills a DATA frame.
long Http2::give_data(Stream& stream, std::uint8_t* into, std::size_t size, std::uint32_t* flags) {
  stream.quiet_since = link_.shard.loop.now();
  const auto end = [&](const Headers& trailers) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (trailers.empty()) return;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    submit_trailers(stream, trailers);
  };
  if (stream.streams) {
    const std::size_t count = std::min(size, stream.outgoing.size());
    if (count > 0) {
      std::copy_n(stream.outgoing.data(), count, into);
      stream.outgoing.consume(count);
      if (stream.outgoing.size() <= kLowWater) stream.drained.set();
    }
    if (stream.outgoing.empty() && stream.out_done) {
      end(stream.trailers_out);
    } else if (count == 0) {
      stream.deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<long>(count);
  }
  if (stream.response.file) {
    const FileBody& file = *stream.response.file;
    const std::size_t left = static_cast<std::size_t>(file.size) - stream.sent;
    const ssize_t count = ::pread(file.file->get(), into, std::min(size, left), static_cast<off_t>(file.offset + stream.sent));
    if (count <= 0) {
      stream.failure = internal_error("the file became shorter while it was sent");
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    stream.sent += static_cast<std::size_t>(count);
    if (stream.sent == file.size) end(stream.response.trailers);
    return count;
  }
  const std::string_view rest = stream.response.body.bytes().substr(stream.sent);
  const std::size_t count = std::min(size, rest.size());
  std::copy_n(rest.data(), count, into);
  stream.sent += count;
  if (count == rest.size()) end(stream.response.trailers);
  return static_cast<long>(count);
}

// ---- request bodies ----

void Http2::take_data(Stream& stream, std::string_view bytes) {
  stream.received += bytes.size();
  if (!stream.answered) stream.quiet_since = link_.shard.loop.now();
  const bool too_much = stream.body_limit > 0 && stream.received > stream.body_limit;
  if (stream.discards || too_much) {
    nghttp2_session_consume_connection(session_, bytes.size());
    if (stream.received <= options_.drain_body) nghttp2_session_consume_stream(session_, stream.id, bytes.size());
    if (too_much) stream.readable.set();
    return;
  }
  // The connection's window is given back at once, the stream's when the handler has read: one slow handler holds up no other stream.
  nghttp2_session_consume_connection(session_, bytes.size());
  if (stream.buffering) nghttp2_session_consume_stream(session_, stream.id, bytes.size());
  stream.incoming.append(bytes);
  stream.readable.set();
  if (stream.first_awaited && stream.incoming.size() >= kFirstBytes) consider(stream);
}

Task<Result<std::optional<std::string_view>>> Http2::next_piece(Stream& stream, Context& ctx) {
  if (!stream.reading.empty()) {
    const std::size_t used = stream.reading.size();
    stream.reading.clear();
    if (!stream.closed) {
      nghttp2_session_consume_stream(session_, stream.id, used);
      output_.set();
    }
  }
  for (;;) {
    if (stream.received > stream.body_limit)
      co_return resource_exhausted("the request body is too large").with_http_status(413).with_reason("body_too_large");
    if (!stream.incoming.empty()) {
      stream.reading.swap(stream.incoming);
      co_return std::optional<std::string_view>(stream.reading.view());
    }
    if (stream.ended) co_return std::optional<std::string_view>();
    if (stream.closed || stream.failure) co_return stream.failure ? *stream.failure : cancelled("the stream is over").with_reason("client_closed");
    if (std::exchange(stream.continue_wanted, false) && !stream.head_sent) {
      const nghttp2_nv status = field(":status", "100", NGHTTP2_NV_FLAG_NONE);
      nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, &status, 1, nullptr);
      output_.set();
    }
    stream.readable.reset();
    stream.waits_for_body = true;
    auto woken = co_await stream.readable.wait(ctx);
    stream.waits_for_body = false;
    if (!woken) co_return std::move(woken).error();
  }
}

}  // namespace yun::http::server
