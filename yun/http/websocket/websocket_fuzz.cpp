// Frames: whatever comes in, no more than the limit is held, and the pieces it is cut into do not matter.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "yun/http/websocket/frame.hpp"

namespace ws = yun::http::websocket;

namespace {
std::size_t run(ws::Side side, std::string_view bytes, std::size_t step) {
  ws::FrameDecoder decoder(side, 4096);
  std::size_t sum = 0;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    decoder.feed(bytes.substr(at, step));
    for (ws::FrameEvent event = decoder.next(); event.kind != ws::FrameEvent::Kind::NeedMore; event = decoder.next()) {
      if (event.payload.size() > 4096) std::abort();
      sum = sum * 31 + static_cast<std::size_t>(event.kind) * 7 + event.payload.size() + event.code;
    }
  }
  return sum;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const ws::Side side : {ws::Side::Server, ws::Side::Client}) {
    if (run(side, bytes, 1) != run(side, bytes, size + 1)) std::abort();
  }
  return 0;
}
