#pragma once
// Session: one side of one HTTP/2 connection (RFC 9113) without its I/O: bytes in, events and bytes out.
//
//     Session session(Role::Server, events, out, limits);
//     session.open();                                       // SETTINGS into `out`
//     session.receive(in, now);                             // consumes whole frames, calls events
//     session.begin_head(stream, 200); session.put("content-type", "text/plain"); session.end_head(stream, false);
//     session.produce(64_KiB);                              // asks events for DATA as windows allow
//     session.take_closed(streams);                         // over, in both directions or by a reset
//
// A client's is the same, but that it begins:
//
//     if (session.can_open()) { session.begin_request(stream); session.put(":method", "GET"); ... session.end_head(stream, true); }
//
// It keeps the rules of frames, stream states, flow control and header blocks, and the limits against floods; what a request means is not
// its affair. Frames are taken whole, so that a piece of DATA is up to 16 KiB. A stream that was closed is never touched again.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/buffer.hpp"
#include "yun/base/units.hpp"
#include "yun/http/codec2/frame.hpp"
#include "yun/http/codec2/hpack.hpp"
#include "yun/http/message.hpp"

namespace yun::http::codec2 {

/// Which side this is.
enum class Role : std::uint8_t { Server, Client };

/// What the session knows of one stream; its owner derives from it.
struct StreamState {
  std::uint32_t id = 0;
  std::int64_t send_window = 0;
  std::int64_t receive_window = 0;
  std::uint32_t consumed = 0;        ///< of what was received, not yet given back to the peer
  std::int64_t content_left = -1;    ///< of an announced content-length, set by the owner in on_head(); -1: none was
  bool head_done = false;            ///< the peer's head has come whole (of an answer: the final one)
  bool remote_done = false;          ///< the peer has sent all
  bool local_done = false;           ///< so have we
  bool gone = false;                 ///< off the session's table: closed or reset
  bool was_reset = false;            ///< by either side, with `reset_code`
  bool broken = false;               ///< reset by this side for a fault of the peer
  bool sending = false;              ///< has a body of which not all was sent
  bool queued = false;               ///< waits in produce()'s queue
  std::uint8_t interims = 0;         ///< 1xx heads so far
  ErrorCode reset_code{};            ///< RefusedStream: the server has not looked at the request (or GOAWAY said so), it may be sent again
};

/// What is to be sent next of a stream's body.
struct Piece {
  std::size_t size = 0;
  enum class Then : std::uint8_t { More, Wait, End, Trailers, Failed } then = Then::More;  ///< Wait: until resume(); Failed: the stream is reset
};

struct SessionLimits {
  std::uint32_t max_streams = 100;           ///< at once; a client obeys the server's own limit as well
  std::uint32_t stream_window = 64 << 10;
  std::uint32_t connection_window = 1 << 20;
  std::uint32_t max_header_list = 64 << 10;  ///< what the peer is told
  std::uint32_t max_resets_per_minute = 200;  ///< of streams that a client begins; a server's of streams that were over, the first each being free
  bool connect_protocol = false;             ///< a server says SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441)
};

class Session {
 public:
  /// Called from receive() and produce(). None of them may call receive().
  class Events {
   public:
    virtual ~Events() = default;
    /// A request begins. Null: refused, RST_STREAM REFUSED_STREAM. Servers only.
    virtual StreamState* on_begin(std::uint32_t id) = 0;
    /// A field of the head or, after on_head(), of the trailers. Well-formed; pseudo-headers are known, single and ahead of the others.
    /// Of an answer: of its final head; 1xx heads are read over.
    virtual void on_field(StreamState& stream, const HeaderField& field) = 0;
    virtual void on_head(StreamState& stream) = 0;
    virtual void on_data(StreamState& stream, std::string_view bytes) = 0;
    /// The peer has sent all of it.
    virtual void on_end(StreamState& stream) = 0;
    /// Fills the beginning of `room` with the next bytes of the body that is sent.
    virtual Piece on_produce(StreamState& stream, std::span<char> room) = 0;
    /// The piece said Trailers: begin_trailers(), put(), end_head(stream, true).
    virtual void on_trailers(StreamState& stream) = 0;
  };

  Session(Role role, Events& events, Buffer& out, const SessionLimits& limits);

  /// A client's preface comes ahead of its SETTINGS.
  void open();
  /// Takes all whole frames off `in`. False: the connection is over, GOAWAY is in `out`, error_words() says why.
  bool receive(Buffer& in, TimePoint now);
  std::string_view error_words() const { return error_words_; }
  bool failed() const { return failed_; }
  /// A header block goes on in frames to come.
  bool in_block() const { return in_block_; }
  /// What is left of `in` after receive() is the beginning of a DATA frame.
  bool in_data(const Buffer& in) const { return !in_block_ && in.size() > 3 && in.view()[3] == static_cast<char>(FrameType::Data); }
  /// Bytes went out: what may be queued for the peer counts anew.
  void flushed() { acks_ = 0; }

  // ---- a client's requests ----
  /// One more stream is allowed now: neither side goes, and fewer are open than both allow.
  bool can_open() const { return !exhausted() && open_ < limits_.max_streams && open_ < peer_streams_; }
  /// No stream will be allowed any more, however many end.
  bool exhausted() const { return failed_ || going_ || peer_goes_ || last_stream_ > kMaxStreamId - 2; }
  /// If can_open(): gives `stream` the next id and begins its head; pseudo-headers, fields and end_head() follow before any other call.
  void begin_request(StreamState& stream);
  /// The server takes CONNECT with :protocol (RFC 8441).
  bool peer_connects() const { return peer_connects_; }

  // ---- heads and bodies; not for a stream that is gone ----
  void begin_head(StreamState& stream, int status);
  void begin_trailers(StreamState& stream);
  void put(std::string_view name, std::string_view value) { encoder_.put(out_, name, value); }
  void put_once(std::string_view name, std::string_view value, bool secret = false) { encoder_.put_once(out_, name, value, secret); }
  void end_head(StreamState& stream, bool end_stream);
  /// There are bytes to send: a frame of them at once while `out` holds less than `limit`, the rest when produce() comes to it.
  void resume(StreamState& stream, std::size_t limit);
  /// DATA of waiting streams into `out` until that holds `limit` bytes. True if there is more that could go.
  bool produce(std::size_t limit);
  /// produce() has something to do.
  bool has_queued() const { return queue_first_ < queue_.size() && send_window_ > 0; }
  void reset(StreamState& stream, ErrorCode code);

  // ---- flow control: what was received counts against the peer until it is consumed ----
  void consume_connection(std::size_t size);
  void consume_stream(StreamState& stream, std::size_t size);

  // ---- the connection ----
  void ping();
  /// A server's "soon": GOAWAY with the highest id.
  void notice_shutdown();
  /// GOAWAY: streams that came are served, further ones ignored.
  void go_away(ErrorCode code);
  /// The transport is gone: all streams are closed, nothing is sent.
  void close_all();
  bool peer_goes() const { return peer_goes_; }
  bool goes() const { return going_; }
  std::size_t open_streams() const { return open_; }
  /// The streams that ended since the last call, in place of what `into` held.
  void take_closed(std::vector<StreamState*>& into) {
    into.clear();
    into.swap(closed_);
  }

 private:
  /// The streams by id: open addressing, for up to a few hundred at once.
  class Table {
   public:
    StreamState* find(std::uint32_t id) const;
    void insert(StreamState& stream);
    void erase(const StreamState& stream);
    template <typename F>
    void each(F function) const {
      for (StreamState* stream : slots_) {
        if (stream) function(*stream);
      }
    }

   private:
    /// Spread: ids that follow each other would stand in one row, which each erase() walks along.
    std::size_t home(std::uint32_t id) const { return (id * 0x9E3779B1U >> 12) & (slots_.size() - 1); }
    std::vector<StreamState*> slots_ = std::vector<StreamState*>(16);
    std::size_t size_ = 0;
  };
  /// How streams ended that are not in the table any more: late frames are judged by it.
  struct Ended {
    std::uint32_t id = 0;
    bool by_us = false;
    bool reset_came = false;
  };
  /// The pseudo-headers and order of one block.
  struct Block {
    std::uint32_t stream = 0;
    std::uint8_t flags = 0;
    unsigned pseudo = 0;
    bool fields = false;
    bool malformed = false;
    int status = 0;
  };
  struct Bucket {
    double level = 0;
    TimePoint filled{};
  };

  bool take_frame(const FrameHead& head, std::string_view payload);
  bool take_data(const FrameHead& head, std::string_view payload);
  bool take_headers(const FrameHead& head, std::string_view payload);
  bool take_continuation(const FrameHead& head, std::string_view payload);
  bool take_priority(const FrameHead& head, std::string_view payload);
  bool take_rst_stream(const FrameHead& head, std::string_view payload);
  bool take_settings(const FrameHead& head, std::string_view payload);
  bool take_setting(Setting name, std::uint32_t value);
  bool take_ping(const FrameHead& head, std::string_view payload);
  bool take_goaway(const FrameHead& head, std::string_view payload);
  bool take_window_update(const FrameHead& head, std::string_view payload);

  bool take_block(std::string_view block);
  bool take_trailers(StreamState& stream, std::string_view block);
  bool take_request(std::string_view block);
  bool take_answer(StreamState& stream, std::string_view block);
  bool take_unknown_block(std::string_view block);
  void add(StreamState& stream, std::uint32_t id);
  /// To its end, for the sake of HPACK's table; fields go to `stream` unless it is null or the block malformed.
  bool decode(std::string_view block, StreamState* stream, bool is_trailers);
  bool check_field(const HeaderField& field, bool is_trailers);
  bool check_status(std::string_view value);
  bool is_idle(std::uint32_t id) const { return id == 0 || id > last_stream_ || id % 2 == 0; }
  bool take_late_reset(std::uint32_t id);
  bool drop_unprocessed(std::uint32_t last_stream);
  bool end_remote(StreamState& stream);
  bool stream_error(StreamState& stream, ErrorCode code);
  bool fail(ErrorCode code, std::string_view words);
  bool spend_reset();
  Ended* find_ended(std::uint32_t id);
  void close(StreamState& stream, bool by_us);
  /// One frame; false if it would not go on at once.
  bool send_piece(StreamState& stream);
  void enqueue(StreamState& stream);

  const Role role_;
  Events& events_;
  Buffer& out_;
  SessionLimits limits_;
  HpackDecoder decoder_;
  HpackEncoder encoder_;
  Table table_;

  // in
  TimePoint now_{};
  bool preface_done_ = false;
  bool settings_seen_ = false;
  bool settings_acked_ = false;
  bool failed_ = false;
  std::string_view error_words_;
  std::uint32_t last_stream_ = 0;  ///< the highest id that the client began
  bool in_block_ = false;
  Block block_;
  std::string block_bytes_;  ///< of a block that comes in several frames
  unsigned continuations_ = 0;
  unsigned empty_frames_ = 0;
  unsigned acks_ = 0;
  Bucket resets_;
  std::int64_t receive_window_ = kDefaultWindow;
  std::uint32_t consumed_ = 0;
  std::array<Ended, 64> ended_{};
  std::size_t ended_next_ = 0;
  std::size_t open_ = 0;
  std::uint32_t peer_streams_ = 100;  ///< until its SETTINGS say (RFC 9113 6.5.2: no limit unless they do)
  bool peer_connects_ = false;
  std::uint32_t peer_last_ = kMaxStreamId;  ///< of its GOAWAY

  // out
  std::int64_t send_window_ = kDefaultWindow;
  std::int64_t peer_window_ = kDefaultWindow;  ///< of a new stream
  std::size_t head_at_ = 0;                    ///< bytes in `out_` before the head that is being written
  std::vector<StreamState*> queue_;
  std::size_t queue_first_ = 0;
  bool going_ = false;
  bool peer_goes_ = false;
  std::vector<StreamState*> closed_;
};

}  // namespace yun::http::codec2
