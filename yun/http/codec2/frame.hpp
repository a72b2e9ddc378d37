#pragma once
// HTTP/2 frames (RFC 9113 section 4 and 6): their names, their heads, and the small ones written whole. No I/O, no state.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "yun/base/buffer.hpp"

namespace yun::http::codec2 {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr std::size_t kFrameHead = 9;
/// The least SETTINGS_MAX_FRAME_SIZE; all that this side takes, and all that it ever sends in one frame.
inline constexpr std::size_t kMaxFrame = 16384;
/// RFC 9113 6.9.2: windows before anyone has said otherwise.
inline constexpr std::uint32_t kDefaultWindow = 65535;
inline constexpr std::int64_t kMaxWindow = 0x7fffffff;
inline constexpr std::uint32_t kMaxStreamId = 0x7fffffff;

enum class FrameType : std::uint8_t { Data, Headers, Priority, RstStream, Settings, PushPromise, Ping, GoAway, WindowUpdate, Continuation };

namespace flag {
inline constexpr std::uint8_t kEndStream = 0x1;
inline constexpr std::uint8_t kAck = 0x1;
inline constexpr std::uint8_t kEndHeaders = 0x4;
inline constexpr std::uint8_t kPadded = 0x8;
inline constexpr std::uint8_t kPriority = 0x20;
}  // namespace flag

/// RFC 9113 section 7.
enum class ErrorCode : std::uint32_t {
  NoError,
  ProtocolError,
  InternalError,
  FlowControlError,
  SettingsTimeout,
  StreamClosed,
  FrameSizeError,
  RefusedStream,
  Cancel,
  CompressionError,
  ConnectError,
  EnhanceYourCalm,
  InadequateSecurity,
  Http11Required,
};

/// As the RFC writes it: "REFUSED_STREAM"; "an unknown code" for others.
std::string_view name(ErrorCode code);

enum class Setting : std::uint16_t {
  HeaderTableSize = 1,
  EnablePush = 2,
  MaxConcurrentStreams = 3,
  InitialWindowSize = 4,
  MaxFrameSize = 5,
  MaxHeaderListSize = 6,
  EnableConnectProtocol = 8,  ///< RFC 8441
};

struct FrameHead {
  std::uint32_t size = 0;
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
};

inline std::uint32_t read_u32(const char* at) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(at);
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}
inline void write_u32(char* at, std::uint32_t value) {
  at[0] = static_cast<char>(value >> 24);
  at[1] = static_cast<char>(value >> 16);
  at[2] = static_cast<char>(value >> 8);
  at[3] = static_cast<char>(value);
}

/// Of at least kFrameHead bytes.
inline FrameHead read_frame_head(const char* at) {
  return {read_u32(at) >> 8, static_cast<std::uint8_t>(at[3]), static_cast<std::uint8_t>(at[4]), read_u32(at + 5) & kMaxStreamId};
}
inline void write_frame_head(char* at, std::size_t size, FrameType type, std::uint8_t flags, std::uint32_t stream) {
  write_u32(at, static_cast<std::uint32_t>(size) << 8 | static_cast<std::uint32_t>(type));
  at[4] = static_cast<char>(flags);
  write_u32(at + 5, stream);
}

void put_rst_stream(Buffer& out, std::uint32_t stream, ErrorCode code);
void put_window_update(Buffer& out, std::uint32_t stream, std::uint32_t increment);
void put_goaway(Buffer& out, std::uint32_t last_stream, ErrorCode code, std::string_view words);
/// `opaque`: eight bytes.
void put_ping(Buffer& out, bool ack, std::string_view opaque);
void put_settings_ack(Buffer& out);

}  // namespace yun::http::codec2
