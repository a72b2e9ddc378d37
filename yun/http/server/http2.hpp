#pragma once
// Http2: one HTTP/2 connection over codec2::Session. Internal to the server.
//
// A turn: frames are taken in, then handlers run, then all that they answered leaves in one write. Handlers that wait, and answers that
// stream, are coroutines in the connection's scope. A client that closes the connection cancels all of its streams' contexts, RST_STREAM
// that stream's.
//
//   http2.cpp         the connection: reading, writing, draining, the sweep
//   http2_stream.cpp  a stream from its head to its handler and its end
//   http2_body.cpp    request bodies, and the writer of streamed answers
//   http2_answer.cpp  heads, DATA and trailers of answers
//   http2_tunnel.cpp  streams that carry something else (RFC 8441)

#include <memory>
#include <vector>

#include "yun/http/codec2/session.hpp"
#include "yun/http/server/link.hpp"
#include "yun/http/server/stream.hpp"

namespace yun::http::server {

class Http2 final : public Protocol, private runtime::Timer, private codec2::Session::Events {
 public:
  explicit Http2(Link& link);
  ~Http2() override;
  Task<void> run();

  void drain() override;
  void sweep(TimePoint now) override;

 private:
  class RequestBody;
  class ResponseBody;
  class StreamTunnel;
  static constexpr std::size_t kWriteSize = 64 << 10;  ///< so much is written at once; streams take turns in between

  // ---- the connection ----
  void on_timer() noexcept override;
  Task<void> read_frames();
  Task<void> write_frames();
  /// What was received is dispatched and answered. False: the connection has ended.
  bool turn();
  runtime::Io::State pump();
  void sweep_stream(Stream& stream, TimePoint now);
  bool is_over() const { return session_.failed() || ((session_.peer_goes() || session_.goes()) && session_.open_streams() == 0); }
  /// Something is to be written; the turn does that by itself at its end.
  void wake_writer() {
    if (!in_turn_) output_.set();
  }

  // ---- what the session tells ----
  codec2::StreamState* on_begin(std::uint32_t id) override;
  void on_field(codec2::StreamState& state, const codec2::HeaderField& field) override;
  void on_head(codec2::StreamState& state) override;
  void on_data(codec2::StreamState& state, std::string_view bytes) override;
  void on_end(codec2::StreamState& state) override;
  codec2::Piece on_produce(codec2::StreamState& state, std::span<char> room) override;
  void on_trailers(codec2::StreamState& state) override;

  // ---- streams ----
  void consider(Stream& stream);
  void dispatch_pending();
  void dispatch(Stream& stream);
  /// False: refused, or not all of it is here yet.
  bool is_complete(Stream& stream);
  Task<void> serve(Stream& stream, Task<void> task);
  void refuse(Stream& stream, const codec1::ParseError& error);
  void crashed(Stream& stream, std::exception_ptr exception);
  void take_closed();
  void closed(Stream& stream);
  void release(Stream& stream);
  void fail(Stream& stream, const Error& error, codec2::ErrorCode code);

  // ---- answers ----
  bool is_whole(const Stream& stream) const;
  bool has_answer_body(const Stream& stream) const;
  void submit_head(Stream& stream);
  void put_fields(const Stream& stream);
  void submit_trailers(Stream& stream, const Headers& trailers);
  void ended_answer(Stream& stream);
  codec2::Piece produce_stream(Stream& stream, std::span<char> room);
  codec2::Piece produce_file(Stream& stream, std::span<char> room);
  codec2::Piece produce_whole(Stream& stream, std::span<char> room);
  Task<Result<void>> produce(Stream& stream);
  Task<Result<void>> produce_body(Stream& stream);
  Task<Result<void>> write_stream(Stream& stream, Cancel& cancel, std::string_view bytes);
  Task<Result<void>> run_tunnel(Stream& stream);
  void check_tunnel(Stream& stream);

  // ---- request bodies ----
  void begin_body(Stream& stream);
  void end_body(Stream& stream);
  Task<Result<std::optional<std::string_view>>> next_piece(Stream& stream, Cancel& cancel);

  Link& link_;
  const ServerOptions& options_;
  codec2::Session session_;
  runtime::Scope scope_;
  runtime::Event output_;
  runtime::Event room_;   ///< what was held back is out
  bool writing_ = false;  ///< the transport takes no more for now
  bool in_turn_ = false;
  bool woken_ = false;  ///< a handler that waited for its body goes on after this turn
  bool over_ = false;
  enum class Going : std::uint8_t { No, Noticed, Told } going_ = Going::No;
  TimePoint noticed_at_;
  TimePoint blocked_since_;
  TimePoint last_frame_;
  TimePoint idle_since_;
  bool partial_ = false;  ///< a frame or header block has come in part
  TimePoint partial_since_;
  bool pinged_ = false;
  std::uint64_t requests_ = 0;
  std::size_t busy_ = 0;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Stream>> spare_;
  std::vector<Stream*> pending_;
  std::vector<codec2::StreamState*> closing_;
};

}  // namespace yun::http::server
