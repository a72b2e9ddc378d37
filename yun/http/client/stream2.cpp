#include "yun/http/client/stream2.hpp"

#include <algorithm>

namespace yun::http::client {

namespace {
constexpr std::size_t kAtOnce = 64_KiB;  // goes straight to what is written while that holds less
constexpr std::size_t kKept = 16_KiB;  // of a spare stream's buffers

Error bad_answer(std::string_view what) {
  return unavailable("bad response from upstream: " + std::string(what)).with_reason("upstream_protocol").with_http_status(502);
}
}  // namespace

Stream2::Lent::Lent(Stream2& stream, const Request& request, Response& response) : stream_(stream) {
  stream.response_ = &response;
  stream.builder_.begin(request.method, stream.connection_->options_.max_response_head);
  if (request.body.is_whole()) stream.whole_ = request.body.bytes();
}

Stream2::Lent::~Lent() {
  stream_.response_ = nullptr;
  // An answer that comes before all was sent: the rest goes on without the request.
  if (!stream_.gone) stream_.pending_.append(stream_.whole_);
  stream_.whole_ = {};
}

void Stream2::begin(std::shared_ptr<Stream2> self, bool streams) {
  self_ = std::move(self);
  upload_done_ = !streams;
}

void Stream2::on_field(std::string_view name, std::string_view value, std::size_t limit) {
  if (!head_done) {
    if (response_) builder_.add(name, value, *response_);
    return;
  }
  trailers_size_ += name.size() + value.size() + 32;  // as RFC 9113 6.5.2 counts
  if (trailers_size_ <= limit) {
    trailers.add_parsed(name, value);
  } else if (!failure_) {
    failure_ = bad_answer("its trailers are too large");
  }
}

void Stream2::on_head() {
  if (const char* fault = builder_.finish()) {
    bad_head_ = true;
    reset(bad_answer(fault));
  }
  content_left = builder_.content_left();
  arrived_.set();
}

void Stream2::on_data(std::string_view bytes) {
  incoming.append(bytes);
  arrived_.set();
}

void Stream2::on_close(const Error* why, bool unprocessed) {
  unprocessed_ = unprocessed;
  if (why && !failure_) failure_ = *why;
  pending_.clear();
  room_.set();
  arrived_.set();
  stop_upload();
  const std::shared_ptr<Stream2> last = std::move(self_);
}

codec2::Piece Stream2::give(std::span<char> room) {
  using Then = codec2::Piece::Then;
  if (!whole_.empty()) {
    const std::string_view part = whole_.substr(0, room.size());
    std::copy(part.begin(), part.end(), room.begin());
    whole_.remove_prefix(part.size());
    return {part.size(), whole_.empty() ? Then::End : Then::More};
  }
  const std::size_t count = std::min(room.size(), pending_.size());
  std::copy_n(pending_.data(), count, room.data());
  pending_.consume(count);
  if (pending_.size() < connection_->options_.upload_buffer) room_.set();
  if (!pending_.empty()) return {count, Then::More};
  if (!upload_done_) return {count, Then::Wait};
  return {count, upload_trailers.empty() ? Then::End : Then::Trailers};
}

Task<Result<std::optional<std::string_view>>> Stream2::next(Context& ctx) {
  reading_.clear();
  if (unread_ > 0 && !gone) {
    connection_->session_.consume_stream(*this, unread_);
    if (!connection_->out_.empty()) connection_->kick();
  }
  unread_ = 0;
  for (;;) {
    if (!incoming.empty()) {
      reading_.swap(incoming);
      unread_ = reading_.size();
      co_return std::optional<std::string_view>(reading_.view());
    }
    if (remote_done || failure_) {
      const bool whole = ended_whole();
      if (upload_ && !upload_->ended()) {
        if (!gone) reset(cancelled("the response is complete"));
        upload_->stop();
        co_await upload_->join();
      }
      if (!whole) co_return *failure_;
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
  if (!gone && (!remote_done || !upload_done_)) reset(cancelled("the response was abandoned"));
  stop_upload();
}

void Stream2::reset(const Error& why) {
  if (!failure_) failure_ = why;
  stop_upload();
  if (gone) return;
  // After a whole answer the rest of the request is merely not wanted; before it the exchange is cancelled.
  connection_->session_.reset(*this, remote_done ? codec2::ErrorCode::NoError : codec2::ErrorCode::Cancel);
  connection_->kick();
}

std::shared_ptr<Connection2> Stream2::detach() {
  for (Buffer* buffer : {&incoming, &reading_, &pending_}) {
    buffer->clear();
    buffer->shrink(kKept);
  }
  trailers.clear();
  upload_trailers.clear();
  arrived_.reset();
  room_.reset();
  unread_ = trailers_size_ = 0;
  bad_head_ = unprocessed_ = false;
  failure_.reset();
  return std::move(connection_);
}

// ---- uploads ----

class Stream2::Sink final : public UploadSink {
 public:
  explicit Sink(std::shared_ptr<Stream2> stream) : stream_(std::move(stream)) {}

  Task<Result<void>> write(Context& ctx, std::string_view bytes) override {
    const std::size_t limit = stream_->connection_->options_.upload_buffer;
    while (!bytes.empty()) {
      while (!stream_->gone && stream_->pending_.size() >= limit) {
        stream_->room_.reset();
        YUN_CHECK(co_await stream_->room_.wait(ctx));
      }
      if (stream_->gone) co_return gone();
      const std::string_view part = bytes.substr(0, limit - stream_->pending_.size());
      stream_->pending_.append(part);
      bytes.remove_prefix(part.size());
      resume();
    }
    if (stream_->gone) co_return gone();
    co_return Result<void>();
  }
  void set_trailer(std::string_view name, std::string_view value) override { stream_->upload_trailers.add(name, value); }
  Task<Result<void>> finish(Context&) override {
    stream_->upload_done_ = true;
    if (!stream_->gone) resume();
    co_return Result<void>();
  }

 private:
  Error gone() const {
    return stream_->failure_ ? *stream_->failure_ : unavailable("the stream has ended").with_reason("upstream_reset");
  }
  void resume() {
    stream_->connection_->session_.resume(*stream_, kAtOnce);
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
  if (!error || stream.gone || stream.remote_done) return;
  stream.reset(*error);
  stream.arrived_.set();
}

}  // namespace yun::http::client
