// Http2's bodies: what handlers read of a request, and how they write a streamed answer.

#include "yun/http/server/http2.hpp"

namespace yun::http::server {

namespace {
constexpr std::size_t kHighWater = 64 << 10;  // of one stream's unsent bytes: its producer waits

Error why_over(const Stream& stream) { return stream.failure ? *stream.failure : cancelled("the stream is over").with_reason("client_closed"); }
}  // namespace

class Http2::RequestBody final : public BodySource {
 public:
  RequestBody(Http2& owner, Stream& stream) : owner_(&owner), stream_(&stream) { stream.source = this; }
  ~RequestBody() override {
    if (stream_) stream_->source = nullptr;
  }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override {
    if (stream_) return owner_->next_piece(*stream_, ctx);
    return over();
  }
  const Headers* trailers() const override { return stream_ ? &stream_->trailers_in : nullptr; }
  void abandon() override {
    if (!stream_ || stream_->closed || stream_->ended) return;
    stream_->discards = true;
  }
  void detach() { stream_ = nullptr; }

 private:
  static Task<Result<std::optional<std::string_view>>> over() { co_return cancelled("the request of this body is over"); }
  Http2* owner_;
  Stream* stream_;
};

class Http2::ResponseBody final : public BodyWriter {
 public:
  ResponseBody(Http2& owner, Stream& stream) : owner_(owner), stream_(stream) {}

  Task<Result<void>> write(Context& ctx, std::string_view bytes) override {
    return owner_.write_stream(stream_, ctx, bytes);
  }
  void set_trailer(std::string_view name, std::string_view value) override { stream_.trailers_out.set(name, value); }

 private:
  Http2& owner_;
  Stream& stream_;
};

/// Queues bytes of a streamed answer; waits while too many are unsent.
Task<Result<void>> Http2::write_stream(Stream& stream, Cancel& cancel, std::string_view bytes) {
  if (stream.gone) co_return why_over(stream);
  if (bytes.empty() || !has_answer_body(stream)) co_return cancel.check();
  stream.outgoing.append(bytes);
  stream.outcome.bytes_sent += bytes.size();
  session_.resume(stream, kWriteSize);
  wake_writer();
  while (stream.outgoing.size() > kHighWater && !stream.gone) {
    stream.drained.reset();
    YUN_CHECK(co_await stream.drained.wait(cancel));
  }
  if (stream.gone) co_return why_over(stream);
  co_return Result<void>();
}

void Http2::begin_body(Stream& stream) {
  if (stream.ended) {
    stream.request.body.assign(stream.incoming.view());
    stream.incoming.clear();
  } else {
    stream.request.body = Body(std::unique_ptr<BodySource>(new RequestBody(*this, stream)));
  }
}

void Http2::end_body(Stream& stream) {
  if (auto* source = static_cast<RequestBody*>(stream.source)) source->detach();
  stream.source = nullptr;
}

Task<Result<std::optional<std::string_view>>> Http2::next_piece(Stream& stream, Cancel& cancel) {
  if (!stream.reading.empty()) {
    session_.consume_stream(stream, stream.reading.size());
    stream.reading.clear();
    wake_writer();
  }
  for (;;) {
    if (stream.received > stream.body_limit)
      co_return resource_exhausted("the request body is too large").with_http_status(413).with_reason("body_too_large");
    if (!stream.incoming.empty()) {
      stream.reading.swap(stream.incoming);
      co_return std::optional<std::string_view>(stream.reading.view());
    }
    if (stream.ended) co_return std::optional<std::string_view>();
    if (stream.gone || stream.failure) co_return why_over(stream);
    if (std::exchange(stream.continue_wanted, false) && !stream.head_sent) {
      session_.begin_head(stream, 100);
      session_.end_head(stream, false);
      wake_writer();
    }
    stream.readable.reset();
    stream.waits_for_body = true;
    auto woken = co_await stream.readable.wait(cancel);
    stream.waits_for_body = false;
    if (!woken) co_return std::move(woken).error();
  }
}

Task<Result<void>> Http2::produce(Stream& stream) {
  if (stream.response.upgrade) {
    stream.tunnel = true;
    return run_tunnel(stream);
  }
  return produce_body(stream);
}

Task<Result<void>> Http2::produce_body(Stream& stream) {
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

}  // namespace yun::http::server
