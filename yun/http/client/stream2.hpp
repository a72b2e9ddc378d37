#pragma once
// One stream of an HTTP/2 connection: what came, what is to go, and who waits for it.

#include <memory>
#include <optional>
#include <string>

#include "yun/base/buffer.hpp"
#include "yun/http/client/connection2.hpp"
#include "yun/http/client/upload.hpp"

namespace yun::http::client {

class Stream2 final : public std::enable_shared_from_this<Stream2> {
 public:
  explicit Stream2(std::shared_ptr<Connection2> connection) : connection_(std::move(connection)) {}

  // ---- told by the connection ----
  void on_headers_begin();
  /// False if the head is larger than `limit`.
  bool on_header(std::string_view name, std::string_view value, std::size_t limit);
  void on_headers_end(bool end_of_stream);
  void on_data(std::string_view bytes);
  void on_end();
  /// The stream is gone; `why` is null if it ended well.
  void on_close(const Error* why, bool unprocessed);
  /// Up to `size` bytes of the upload into `into`; sets `end` with the last. nullopt: nothing there yet.
  std::optional<std::size_t> give(char* into, std::size_t size, bool& end);

  // ---- asked by the exchange ----
  Task<Result<void>> wait_for_head(Context& ctx);
  Task<Result<std::optional<std::string_view>>> next(Context& ctx);
  void start_upload(Context& ctx, std::unique_ptr<BodyProducer> producer);
  void give_whole(std::string_view body);
  /// A streaming body will come; before the request is submitted.
  void expect_upload() { upload_done_ = false; }
  /// Nobody reads on: the peer is told to stop (RST_STREAM CANCEL) unless all has come.
  void abandon();
  /// RST_STREAM now, with `why` for whoever still reads.
  void reset(const Error& why);
  bool ended_whole() const { return ended_ && !failure_; }
  bool failed() const { return failure_.has_value(); }
  bool unprocessed() const { return unprocessed_; }

  std::int32_t id = 0;
  Response response;
  Headers trailers;        // of the answer
  Headers upload_trailers;
  Buffer incoming;

 private:
  class Sink;
  static void on_upload_end(void* self, const std::optional<Error>& error);

  std::shared_ptr<Connection2> connection_;
  std::shared_ptr<Upload> upload_;
  runtime::Event arrived_;
  Buffer reading_;          // the piece that next() gave last
  std::size_t unread_ = 0;  // bytes whose window is not given back yet
  Headers block_;
  std::size_t block_size_ = 0;
  int block_status_ = 0;
  bool head_done_ = false;
  bool ended_ = false;   // END_STREAM came
  bool closed_ = false;  // the session has forgotten it
  bool unprocessed_ = false;
  bool reset_sent_ = false;
  std::optional<Error> failure_;

  Buffer pending_;  // of the upload
  runtime::Event room_;
  bool upload_done_ = true;  // all of it is in pending_
};

/// The body of an answer over HTTP/2.
class Body2 final : public BodySource {
 public:
  explicit Body2(std::shared_ptr<Stream2> stream) : stream_(std::move(stream)) {}
  ~Body2() override { stream_->abandon(); }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override { return stream_->next(ctx); }
  const Headers* trailers() const override { return &stream_->trailers; }
  void abandon() override { stream_->abandon(); }

 private:
  std::shared_ptr<Stream2> stream_;
};

}  // namespace yun::http::client
