#pragma once
// An HTTP/2 connection of a client: many exchanges at once over one transport (RFC 9113, by nghttp2).

#include <memory>
#include <string>
#include <unordered_map>

#include "yun/http/client/connection1.hpp"
#include "yun/http/message.hpp"
#include "yun/runtime/wait.hpp"

struct nghttp2_session;

namespace yun::http::client {

class Stream2;

class Connection2 final : public std::enable_shared_from_this<Connection2> {
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
  static Result<std::shared_ptr<Connection2>> start(std::unique_ptr<runtime::Transport> transport, Options options);
  ~Connection2();

  /// It takes new exchanges: neither closed nor told to go away.
  bool is_usable() const { return !closed_ && !draining_; }
  bool is_closed() const { return closed_; }
  /// One more stream is allowed now.
  bool has_room() const;
  std::size_t active() const { return active_; }
  TimePoint idle_since() const { return idle_since_; }
  /// Set whenever a stream ends or the connection does: look again.
  runtime::Event& changed() { return changed_; }

  /// Opens a stream and waits for the head of the answer. Errors: the Context's; Unavailable with reason upstream_reset; the producer's own.
  Task<Result<void>> exchange(Context& ctx, Request& request, Response& response, Attempt& attempt);
  /// Ends all streams with `why` and the connection.
  void close(Error why);
  /// Takes no new streams; the connection ends with its last one.
  void drain();

 private:
  friend class Stream2;
  struct Callbacks;
  Connection2(std::unique_ptr<runtime::Transport> transport, Options options);
  Result<void> open_session();
  static Task<void> read(std::shared_ptr<Connection2> self);
  static Task<void> write(std::shared_ptr<Connection2> self);
  static Task<void> ping(std::shared_ptr<Connection2> self);
  Result<void> submit(const Request& request, const std::shared_ptr<Stream2>& stream, bool has_body);
  void stream_ended();
  Result<void> flush_into(Buffer& out);
  void kick() { work_.set(); }
  void task_ended();

  Options options_;
  std::unique_ptr<runtime::Transport> transport_;
  std::string peer_;
  nghttp2_session* session_ = nullptr;
  Cancel stop_;
  runtime::Event work_;  // there may be something to write
  runtime::Event changed_;
  std::unordered_map<std::int32_t, std::shared_ptr<Stream2>> streams_;
  bool served_ = false;
  std::size_t active_ = 0;
  int tasks_ = 0;
  bool closed_ = false;
  bool draining_ = false;
  bool pong_missing_ = false;
  TimePoint idle_since_;
  TimePoint received_;
};

}  // namespace yun::http::client
