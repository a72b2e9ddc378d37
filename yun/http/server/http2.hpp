#pragma once
// Http2: one HTTP/2 connection (RFC 9113) on nghttp2's session. Internal to the server.
//
// Frames are taken in, then handlers run, then what they answered is written at once. Handlers that wait, and answers that stream, are
// coroutines in the connection's scope. A client that closes the connection cancels all of its streams' contexts, RST_STREAM that stream's.

#include <memory>
#include <optional>
#include <vector>

#include "yun/http/codec2/request_builder.hpp"
#include "yun/http/server/link.hpp"

struct nghttp2_session;

namespace yun::http::server {

/// One exchange. Lives until its stream is closed and its coroutine, if any, has ended.
struct Stream {
  explicit Stream(const codec1::HeadLimits& limits) : builder(limits) {}

  std::int32_t id = 0;
  std::size_t index = 0;  ///< in Http2::streams_
  codec2::RequestBuilder builder;
  Request request;
  Response response;
  std::optional<Context> context;
  Outcome outcome;
  TimePoint started;

  // state
  bool head_complete = false;
  bool pending = false;     ///< to be looked at after this read
  bool buffering = false;   ///< a small body: wait for all of it
  bool first_awaited = false;  ///< a body of unknown length: a moment for it to end, so that a small one arrives whole
  bool dispatched = false;  ///< handle() was called: finished() is due
  bool ended = false;       ///< the client has sent all
  bool closed = false;
  bool busy = false;  ///< a coroutine holds this
  bool head_sent = false;
  bool answered = false;  ///< the last byte of the answer was sent
  bool discards = false;  ///< nobody wants the body any more
  bool continue_wanted = false;
  bool grpc = false;
  std::optional<Error> failure;

  // the request body
  Buffer incoming;
  Buffer reading;  ///< what the last piece points into
  std::uint64_t received = 0;
  std::uint64_t body_limit = 0;
  Headers trailers_in;
  runtime::Event readable;
  bool waits_for_body = false;
  BodySource* source = nullptr;

  // the response body
  std::size_t sent = 0;  ///< of a whole body or a file
  Buffer outgoing;       ///< of a stream
  bool streams = false;
  bool out_done = false;
  bool deferred = false;
  Headers trailers_out;
  runtime::Event drained;
  TimePoint quiet_since;  ///< no progress since
};

class Http2 final : public Protocol, private runtime::Timer {
 public:
  explicit Http2(Link& link);
  ~Http2() override;
  Task<void> run();

  void drain() override;
  void sweep(TimePoint now) override;

 private:
  class RequestBody;
  class ResponseBody;
  struct Callbacks;

  void on_timer() noexcept override;
  bool open();
  Task<void> read_frames();
  Task<void> write_frames();
  runtime::Io::State pump();

  // streams
  Stream* make_stream(std::int32_t id);
  void consider(Stream& stream);
  void dispatch_pending();
  void dispatch(Stream& stream);
  Task<void> serve(Stream& stream, Task<void> task);
  void refuse(Stream& stream, const codec1::ParseError& error);
  void crashed(Stream& stream, std::exception_ptr exception);
  void closed(Stream& stream);
  void release(Stream& stream);
  void fail(Stream& stream, const Error& error, std::uint32_t code);

  // answers
  bool is_whole(const Stream& stream) const;
  bool has_answer_body(const Stream& stream) const;
  void submit_head(Stream& stream);
  Task<Result<void>> produce(Stream& stream);
  long give_data(Stream& stream, std::uint8_t* into, std::size_t size, std::uint32_t* flags);
  void submit_trailers(Stream& stream, const Headers& trailers);

  // request bodies
  void take_data(Stream& stream, std::string_view bytes);
  Task<Result<std::optional<std::string_view>>> next_piece(Stream& stream, Context& ctx);

  Link& link_;
  const ServerOptions& options_;
  nghttp2_session* session_ = nullptr;
  runtime::Scope scope_;
  runtime::Event output_;
  bool writing_ = false;
  bool over_ = false;
  enum class Going : std::uint8_t { No, Noticed, Told } going_ = Going::No;
  TimePoint noticed_at_;
  TimePoint blocked_since_;
  TimePoint last_frame_;
  TimePoint idle_since_;
  bool pinged_ = false;
  std::uint64_t requests_ = 0;
  std::size_t busy_ = 0;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Stream>> spare_;
  std::vector<Stream*> pending_;
};

}  // namespace yun::http::server
