#pragma once
// WebSocket's frames (RFC 6455 5), bytes in and events out, no I/O.
//
//     FrameDecoder decoder(Side::Server, 1_MiB);
//     decoder.feed(bytes);
//     for (auto event = decoder.next(); event.kind != FrameEvent::Kind::NeedMore; event = decoder.next()) ...

#include <cstdint>
#include <string>
#include <string_view>

#include "yun/base/buffer.hpp"

namespace yun::http::websocket {

/// Whose bytes are decoded: a server's peer masks its frames, a client's does not.
enum class Side : std::uint8_t { Server, Client };
enum class Opcode : std::uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

/// Close codes (RFC 6455 7.4.1).
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kNoCode = 1005;  ///< never sent: the peer gave none
inline constexpr std::uint16_t kBadText = 1007;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kInternal = 1011;

struct FrameEvent {
  enum class Kind : std::uint8_t { NeedMore, Text, Binary, Ping, Pong, Close, Failed };
  Kind kind = Kind::NeedMore;
  /// A whole message, however many frames it came in; of a ping or pong its data; of a close its reason; of a failure what is wrong.
  std::string payload;
  std::uint16_t code = 0;  ///< of Close, or the one to close with after Failed
};

class FrameDecoder {
 public:
  /// `max_message`: bytes of a message over all its frames; more is Failed with kTooBig before it is read.
  FrameDecoder(Side side, std::size_t max_message) : side_(side), max_message_(max_message) {}

  /// Call next() until NeedMore before feeding more, so that no more than one feed is held.
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// After Failed or Close nothing else comes.
  FrameEvent next();

 private:
  struct Head {
    std::size_t size = 0;  // of the head itself; 0 = not whole yet
    bool final = false;
    Opcode opcode{};
    bool masked = false;
    std::uint64_t length = 0;
    char mask[4] = {};
  };
  const char* read_head(Head& head, std::uint16_t& code) const;
  const char* check(const Head& head, std::uint16_t& code) const;
  FrameEvent fail(std::uint16_t code, const char* what);
  FrameEvent finish_control();
  FrameEvent finish_message();

  Side side_;
  std::size_t max_message_;
  Buffer buffer_;
  bool in_frame_ = false;
  bool ended_ = false;
  Head head_;
  std::uint64_t taken_ = 0;        // payload bytes of this frame so far
  std::string control_;
  std::string message_;
  bool in_message_ = false;
  bool is_text_ = false;
};

/// Appends one whole frame. A client's frames must be masked, by four bytes that cannot be guessed; a server's must not (`mask` null).
void append_frame(std::string& out, Opcode opcode, std::string_view payload, const char* mask = nullptr);
/// A close's payload: the code and at most 123 bytes of reason.
std::string close_payload(std::uint16_t code, std::string_view reason);

}  // namespace yun::http::websocket
