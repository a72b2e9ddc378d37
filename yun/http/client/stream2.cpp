#include "yun/http/client/stream2.hpp"

#include <nghttp2/nghttp2.h>

#include <cstring>

#include "yun/base/strings.hpp"

namespace yun::http::client {

void Stream2::on_headers_begin() {
  block_.clear();
  block_.reserve(head_done_ ? 64 : 256, head_done_ ? 2 : 8);  // most need no more
  block_size_ = 0;
  block_status_ = 0;
}

bool Stream2::on_header(std::string_view name, std::string_view value, std::size_t limit) {
  block_size_ += name.size() + value.size() + 32;
  if (block_size_ > limit) return false;
  if (name == ":status") {
    block_status_ = static_cast<int>(parse_u64(value).value_or(0));
  } else if (!name.starts_with(':')) {
    block_.add_parsed(name, value);  // nghttp2 has checked both
  }
  return true;
}

void Stream2::on_headers_end(bool end_of_stream) {
  if (failure_) return;
  if (!head_done_) {
    if (block_status_ >= 200) {
      response.status = block_status_;
      response.headers = std::move(block_);
      head_done_ = true;
    }
  } else {
    trailers = std::move(block_);
  }
  block_ = Headers();
  if (end_of_stream) ended_ = true;
  arrived_.set();
}

void Stream2::on_data(std::string_view bytes) {
  incoming.append(bytes);
  arrived_.set();
}

void Stream2::on_end() {
  ended_ = true;
  arrived_.set();
}

void Stream2::on_close(const Error* why, bool unprocessed) {
  closed_ = true;
  unprocessed_ = unprocessed;
  if (why && !ended_ && !failure_) failure_ = *why;
  pending_.clear();
  room_.set();
  arrived_.set();
  if (upload_ && !upload_->ended()) upload_->stop();
}

std::optional<std::size_t> Stream2::give(char* into, std::size_t size, bool& end) {
  const std::size_t count = std::min(size, pending_.size());
  if (count == 0 && !upload_done_) return std::nullopt;
  if (count > 0) std::memcpy(into, pending_.data(), count);
  pending_.consume(count);
  end = pending_.empty() && upload_done_;
  if (pending_.size() < connection_->options_.upload_buffer) room_.set();
  return count;
}

Task<Result<void>> Stream2::wait_for_head(Context& ctx) {
  while (!head_done_) {
    if (failure_) co_return *failure_;
    arrived_.reset();
    auto waited = co_await arrived_.wait(ctx);
    if (waited) continue;
    reset(waited.error());
    co_return std::move(waited).error();
  }
  co_return Result<void>();
}

Task<Result<std::optional<std::string_view>>> Stream2::next(Context& ctx) {
  reading_.clear();
  if (unread_ > 0 && !closed_ && !connection_->closed_) {
    nghttp2_session_consume_stream(connection_->session_, id, unread_);
    connection_->kick();
  }
  unread_ = 0;
  for (;;) {
    if (!incoming.empty()) {
      reading_.swap(incoming);
      unread_ = reading_.size();
      co_return std::optional<std::string_view>(reading_.view());
    }
    if (ended_ || failure_) {
      if (upload_ && !upload_->ended()) {
        if (!closed_) reset(cancelled("the response is complete"));
        upload_->stop();
        co_await upload_->join();
      }
      if (!ended_) co_return *failure_;
      co_return std::nullopt;
    }
    arrived_.reset();
    auto waited = co_await arrived_.wait(ctx);
    if (waited) continue;
    reset(waited.error());
    co_return std::move(waited).error();
  }
}

void Stream2::abandon() {
  if (!closed_ && (!ended_ || !upload_done_)) reset(cancelled("the response was abandoned"));
  if (upload_ && !upload_->ended()) upload_->stop();
}

void Stream2::reset(const Error& why) {
  if (!failure_) failure_ = why;
  if (upload_ && !upload_->ended()) upload_->stop();
  if (closed_ || connection_->closed_ || std::exchange(reset_sent_, true)) return;
  // After a whole answer the rest of the request is merely not wanted; before it the exchange is cancelled.
  nghttp2_submit_rst_stream(connection_->session_, NGHTTP2_FLAG_NONE, id, ended_ ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
  connection_->kick();
}

// ---- uploads ----

class Stream2::Sink final : public UploadSink {
 public:
  explicit Sink(std::shared_ptr<Stream2> stream) : stream_(std::move(stream)) {}

  Task<Result<void>> write(Context& ctx, std::string_view bytes) override {
    const std::size_t limit = stream_->connection_->options_.upload_buffer;
    while (!bytes.empty()) {
      while (!stream_->closed_ && stream_->pending_.size() >= limit) {
        stream_->room_.reset();
        YUN_CHECK(co_await stream_->room_.wait(ctx));
      }
      if (stream_->closed_) co_return gone();
      const std::string_view part = bytes.substr(0, limit - stream_->pending_.size());
      stream_->pending_.append(part);
      bytes.remove_prefix(part.size());
      resume();
    }
    if (stream_->closed_) co_return gone();
    co_return Result<void>();
  }
  void set_trailer(std::string_view name, std::string_view value) override { stream_->upload_trailers.add(name, value); }
  Task<Result<void>> finish(Context&) override {
    stream_->upload_done_ = true;
    if (!stream_->closed_) resume();
    co_return Result<void>();
  }

 private:
  Error gone() const {
    return stream_->failure_ ? *stream_->failure_ : unavailable("the stream has ended").with_reason("upstream_reset");
  }
  void resume() {
    nghttp2_session_resume_data(stream_->connection_->session_, stream_->id);
    stream_->connection_->kick();
  }
  std::shared_ptr<Stream2> stream_;
};

void Stream2::start_upload(Context& ctx, std::unique_ptr<BodyProducer> producer) {
  upload_ = std::make_shared<Upload>(ctx);
  auto sink = std::make_shared<Sink>(shared_from_this());
  Upload::start(upload_, std::move(producer), std::move(sink), &Stream2::on_upload_end, shared_from_this());
}

void Stream2::on_upload_end(void* self, const std::optional<Error>& error) {
  auto& stream = *static_cast<Stream2*>(self);
  if (!error || stream.closed_ || stream.ended_) return;
  stream.reset(*error);
  stream.arrived_.set();
}

void Stream2::give_whole(std::string_view body) { pending_.append(body); }

}  // namespace yun::http::client
