#pragma once
// One stream of an HTTP/2 connection: what came, what is to go, and who waits for it.

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "yun/base/buffer.hpp"
#include "yun/http/client/connection2.hpp"
#include "yun/http/client/upload.hpp"
#include "yun/http/codec2/response_builder.hpp"

namespace yun::http::client {

class Stream2 final : public codec2::StreamState, public std::enable_shared_from_this<Stream2> {
 public:
  explicit Stream2(std::shared_ptr<Connection2> connection) : connection_(std::move(connection)) {}

  /// While an exchange waits for its head: that goes into its response, and a whole body is sent from its request.
  class Lent {
   public:
    Lent(Stream2& stream, const Request& request, Response& response);
    ~Lent();
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;

   private:
    Stream2& stream_;
  };

  // ---- told by the connection ----
  /// Its id is given. The stream holds itself (`self`) until on_close(). `streams`: an upload will come.
  void begin(std::shared_ptr<Stream2> self, bool streams);
  void on_field(std::string_view name, std::string_view value, std::size_t limit);
  void on_head();
  void on_data(std::string_view bytes);
  /// The session has forgotten the stream; `why` is null if it ended well. May be the end of this object.
  void on_close(const Error* why, bool unprocessed);
  /// The next bytes of the upload.
  codec2::Piece give(std::span<char> room);

  // ---- asked by the exchange ----
  runtime::Event& arrived() { return arrived_; }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx);
  void start_upload(Context& ctx, std::unique_ptr<BodyProducer> producer);
  /// Nobody reads on: the peer is told to stop (RST_STREAM CANCEL) unless all has come.
  void abandon();
  /// RST_STREAM now, with `why` for whoever still reads.
  void reset(const Error& why);
  bool ended_whole() const { return remote_done && !failure_; }
  bool failed() const { return failure_.has_value(); }
  /// If failed().
  const Error& failure() const { return *failure_; }
  /// The head itself was at fault: there is no answer.
  bool failed_in_head() const { return bad_head_; }
  bool unprocessed() const { return unprocessed_; }

  // ---- for the next exchange ----
  bool is_reusable() const { return gone && !self_ && !upload_; }
  /// As new but for its memory, and of no connection.
  std::shared_ptr<Connection2> detach();
  void attach(std::shared_ptr<Connection2> connection) { connection_ = std::move(connection); }

  Headers trailers;  // of the answer
  Headers upload_trailers;
  Buffer incoming;

 private:
  class Sink;
  static void on_upload_end(void* self, const std::optional<Error>& error);
  void stop_upload() {
    if (upload_ && !upload_->ended()) upload_->stop();
  }

  std::shared_ptr<Connection2> connection_;
  std::shared_ptr<Stream2> self_;  // while it is the session's
  std::shared_ptr<Upload> upload_;
  runtime::Event arrived_;
  Response* response_ = nullptr;  // while Lent
  codec2::ResponseBuilder builder_;
  Buffer reading_;          // the piece that next() gave last
  std::size_t unread_ = 0;  // bytes whose window is not given back yet
  std::size_t trailers_size_ = 0;
  bool bad_head_ = false;
  bool unprocessed_ = false;
  std::optional<Error> failure_;

  std::string_view whole_;  // of the request's body, while Lent
  Buffer pending_;          // of the upload
  runtime::Event room_;
  bool upload_done_ = true;  // all of it is in pending_
};

/// The body of an answer over HTTP/2.
class Body2 final : public BodySource {
 public:
  explicit Body2(std::shared_ptr<Stream2> stream) : stream_(std::move(stream)) {}
  ~Body2() override {
    stream_->abandon();
    Connection2::recycle(std::move(stream_));
  }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override { return stream_->next(ctx); }
  const Headers* trailers() const override { return &stream_->trailers; }
  void abandon() override { stream_->abandon(); }

 private:
  std::shared_ptr<Stream2> stream_;
};

}  // namespace yun::http::client
