#pragma once
// FrameClient: a blocking HTTP/2 peer that sends and reads single frames (RFC 9113 4.1), so that a test says what the peer does and what it omits.

#include <optional>
#include <string>
#include <string_view>

#include "yun/http/server/testing.hpp"

namespace yun::http::server {

struct Frame {
  enum Type : unsigned { Data = 0, Headers = 1, RstStream = 3, Settings = 4, Ping = 6, Goaway = 7, WindowUpdate = 8 };
  static constexpr unsigned kEndStream = 1, kAck = 1, kEndHeaders = 4;
  unsigned type = 0;
  unsigned flags = 0;
  std::uint32_t stream = 0;
  std::string payload = {};

  /// The 32 bits at `offset` of the payload: a GOAWAY's last stream (0), its code (4), a RST_STREAM's code (0).
  std::uint32_t number(std::size_t offset) const {
    std::uint32_t value = 0;
    for (std::size_t i = offset; i < offset + 4 && i < payload.size(); ++i) value = value << 8 | static_cast<unsigned char>(payload[i]);
    return value;
  }
};

inline std::string encode(const Frame& frame) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes += static_cast<char>(frame.payload.size() >> shift);
  bytes += static_cast<char>(frame.type);
  bytes += static_cast<char>(frame.flags);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(frame.stream >> shift);
  return bytes + frame.payload;
}

class FrameClient {
 public:
  /// Sends the preface and SETTINGS with this initial window for each stream.
  explicit FrameClient(const runtime::Address& address, std::uint32_t window = 65535) : wire_(address) {
    std::string settings("\0\4", 2);  // SETTINGS_INITIAL_WINDOW_SIZE
    for (const int shift : {24, 16, 8, 0}) settings += static_cast<char>(window >> shift);
    wire_.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + encode({.type = Frame::Settings, .payload = settings}));
  }

  void send(const Frame& frame) { wire_.send(encode(frame)); }
  /// A whole GET; `path` of at most 126 bytes, as the rest in HPACK's plainest form (RFC 7541 6.2.2, Huffman-less).
  void get(std::uint32_t stream, std::string_view path, std::string_view content_type = {}) {
    std::string block("\x82\x86", 2);  // :method GET, :scheme http
    const auto literal = [&block](std::string_view index, std::string_view value) {
      block += index;
      block += static_cast<char>(value.size());
      block += value;
    };
    literal("\x04", path);
    literal("\x01", "test");
    if (!content_type.empty()) literal(std::string_view("\x0f\x10", 2), content_type);
    send({.type = Frame::Headers, .flags = Frame::kEndStream | Frame::kEndHeaders, .stream = stream, .payload = block});
  }
  /// The next frame; nullopt at the end of the connection. Answers no PING: the test does, or does not.
  std::optional<Frame> next() {
    const std::string head = wire_.read(9);
    if (head.size() < 9) return std::nullopt;
    const auto byte = [&head](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(head[i])); };
    Frame frame{.type = byte(3), .flags = byte(4), .stream = byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)};
    const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    frame.payload = wire_.read(size);
    if (frame.payload.size() < size) return std::nullopt;
    return frame;
  }
  /// Gives back the connection's window that an answer took (RFC 9113 6.9): without it a server falls silent after 64 KiB, however small its answers.
  void took(const Frame& data) {
    if (data.payload.empty()) return;
    std::string size;
    for (const int shift : {24, 16, 8, 0}) size += static_cast<char>(data.payload.size() >> shift);
    send({.type = Frame::WindowUpdate, .payload = size});
  }
  /// The next frame of that type (on that stream, unless 0); those before it are dropped.
  std::optional<Frame> next(Frame::Type type, std::uint32_t stream = 0) {
    for (;;) {
      auto frame = next();
      if (!frame || (frame->type == type && (stream == 0 || frame->stream == stream))) return frame;
    }
  }

 private:
  TestClient wire_;
};

}  // namespace yun::http::server
