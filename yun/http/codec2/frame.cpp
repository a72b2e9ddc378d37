#include "yun/http/codec2/frame.hpp"

#include <iterator>

namespace yun::http::codec2 {

namespace {
/// Room for a whole frame, its head written.
char* begin(Buffer& out, std::size_t size, FrameType type, std::uint8_t flags, std::uint32_t stream) {
  char* at = out.prepare(kFrameHead + size).data();
  write_frame_head(at, size, type, flags, stream);
  return at + kFrameHead;
}
}  // namespace

std::string_view name(ErrorCode code) {
  static constexpr std::string_view kNames[] = {"NO_ERROR",          "PROTOCOL_ERROR",    "INTERNAL_ERROR",      "FLOW_CONTROL_ERROR",
                                                "SETTINGS_TIMEOUT",  "STREAM_CLOSED",     "FRAME_SIZE_ERROR",    "REFUSED_STREAM",
                                                "CANCEL",            "COMPRESSION_ERROR", "CONNECT_ERROR",       "ENHANCE_YOUR_CALM",
                                                "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"};
  const auto index = static_cast<std::size_t>(code);
  return index < std::size(kNames) ? kNames[index] : "an unknown code";
}

void put_rst_stream(Buffer& out, std::uint32_t stream, ErrorCode code) {
  write_u32(begin(out, 4, FrameType::RstStream, 0, stream), static_cast<std::uint32_t>(code));
  out.commit(kFrameHead + 4);
}

void put_window_update(Buffer& out, std::uint32_t stream, std::uint32_t increment) {
  write_u32(begin(out, 4, FrameType::WindowUpdate, 0, stream), increment);
  out.commit(kFrameHead + 4);
}

void put_goaway(Buffer& out, std::uint32_t last_stream, ErrorCode code, std::string_view words) {
  char* at = begin(out, 8 + words.size(), FrameType::GoAway, 0, 0);
  write_u32(at, last_stream);
  write_u32(at + 4, static_cast<std::uint32_t>(code));
  out.commit(kFrameHead + 8);
  out.append(words);
}

void put_ping(Buffer& out, bool ack, std::string_view opaque) {
  begin(out, 8, FrameType::Ping, ack ? flag::kAck : 0, 0);
  out.commit(kFrameHead);
  out.append(opaque.substr(0, 8));
}

void put_settings_ack(Buffer& out) {
  begin(out, 0, FrameType::Settings, flag::kAck, 0);
  out.commit(kFrameHead);
}

}  // namespace yun::http::codec2
