#pragma once
// An HTTP/2 connection of a client: many exchanges at once over one transport, on codec2::Session.

#include <memory>
#include <string>
#include <vector>

#include "yun/base/buffer.hpp"
#include "yun/http/client/connection1.hpp"
#include "yun/http/codec2/session.hpp"
#include "yun/http/message.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::client {

class Stream2;

class Connection2 final : public std::enable_shared_from_this<Connection2>, private codec2::Session::Events {
 public:
  struct Options {
    std::size_t max_response_head = 64_KiB;
    std::size_t max_streams = 1000;          ///< at once, if the peer allows as many
    std::uint32_t stream_window = 256 << 10;  ///< bytes of a response body that wait for their reader
    std::uint32_t connection_window = 16 << 20;
    std::size_t upload_buffer = 64_KiB;  ///< bytes of a request body that wait for the peer
    Duration ping_interval{};            ///< without a byte received while streams are open; 0 = never
    Duration ping_timeout = std::chrono::seconds(20);
  };

  /// Starts to speak over `transport`: its tasks run on the current loop until close() or the peer's end.
  static std::shared_ptr<Connection2> start(std::unique_ptr<runtime::Transport> transport, Options options);
  ~Connection2() override;

  /// It takes new exchanges: neither closed nor told to go away.
  bool is_usable() const { return !closed_ && !draining_ && !session_.exhausted(); }
  bool is_closed() const { return closed_; }
  /// One more stream is allowed now.
  bool has_room() const { return is_usable() && session_.can_open(); }
  std::size_t active() const { return session_.open_streams(); }
  TimePoint idle_since() const { return idle_since_; }
  /// Set whenever a stream ends or the connection does: look again.
  runtime::Event& changed() { return changed_; }

  /// Opens a stream and waits for the head of the answer, which goes into `response`, which is empty; after an error it is again.
  /// Errors: the Context's; Unavailable with reason upstream_reset or upstream_protocol; the producer's own.
  Task<Result<void>> exchange(Context& ctx, Request& request, Response& response, Attempt& attempt);
  /// Ends all streams with `why` and the connection.
  void close(Error why);
  /// Takes no new streams; the connection ends with its last one.
  void drain();

 private:
  friend class Stream2;
  friend class Body2;
  Connection2(std::unique_ptr<runtime::Transport> transport, Options options);
  static Task<void> read(std::shared_ptr<Connection2> self);
  static Task<void> write(std::shared_ptr<Connection2> self);
  static Task<void> ping(std::shared_ptr<Connection2> self);
  bool receive();
  void submit(const Request& request, const std::shared_ptr<Stream2>& stream, bool streams);
  void put_fields(const Headers& headers, bool without_length);
  std::shared_ptr<Stream2> make_stream();
  /// For the next exchange, if nobody else holds it.
  static void recycle(std::shared_ptr<Stream2> stream);
  /// Tells the streams that ended; `why` if the connection did. Not from within the session.
  void collect(const Error* why);
  bool is_over() const { return (draining_ || session_.exhausted()) && active() == 0; }
  /// There is something to write, or to collect.
  void kick() { work_.set(); }
  void task_ended();

  codec2::StreamState* on_begin(std::uint32_t) override { return nullptr; }
  void on_field(codec2::StreamState& state, const codec2::HeaderField& field) override;
  void on_head(codec2::StreamState& state) override;
  void on_data(codec2::StreamState& state, std::string_view bytes) override;
  void on_end(codec2::StreamState& state) override;
  codec2::Piece on_produce(codec2::StreamState& state, std::span<char> room) override;
  void on_trailers(codec2::StreamState& state) override;

  Options options_;
  std::unique_ptr<runtime::Transport> transport_;
  std::string peer_;
  Buffer in_;
  Buffer out_;
  codec2::Session session_;
  Cancel stop_;
  runtime::Event work_;
  runtime::Event changed_;
  std::vector<codec2::StreamState*> ended_;       // collect()'s, kept for its memory
  std::vector<std::shared_ptr<Stream2>> spare_;   // streams that nobody holds any more
  bool served_ = false;
  int tasks_ = 0;
  bool closed_ = false;
  bool draining_ = false;
  bool writing_ = false;
  bool pong_missing_ = false;
  TimePoint idle_since_;
  TimePoint received_;
};

}  // namespace yun::http::client
