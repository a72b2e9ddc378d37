// Any bytes as a client: the session never sends more than a window, never touches a stream that is closed, and judges the same however they are cut.

#include <cstdint>
#include <cstdlib>

#include "yun/http/codec2/session_testing.hpp"

using namespace yun::http::codec2;

namespace {

struct Seen {
  bool fine = true;
  std::string streams;
};

Seen run(std::string_view bytes, std::size_t step) {
  Owner owner({.max_streams = 8, .stream_window = 1000, .connection_window = 70'000, .max_resets_per_minute = 10, .connect_protocol = true});
  owner.session.open();
  owner.take_out();
  Seen seen;
  std::size_t answered = 0;
  const std::string start = std::string(kPreface) + frame(FrameType::Settings, 0, 0, "");
  if (!owner.take(start)) std::abort();
  for (std::size_t at = 0; at < bytes.size() && seen.fine; at += step) {
    seen.fine = owner.take(bytes.substr(at, step));
    if (step >= bytes.size()) {
      // Whole: answered as well, so that streams end in every order.
      for (auto& [id, stream] : owner.streams) {
        if (stream->gone || !stream->headed || stream->local_done || ++answered % 3 == 0) continue;
        owner.answer(id, std::string(id % 1000 * 100, 'x'), id % 4 == 1, 1 << 16);
      }
      (void)owner.session.produce(1 << 16);
      owner.collect();
    }
  }
  for (const auto& [id, stream] : owner.streams) seen.streams += stream->head + "|" + stream->body + "|" + (stream->ended ? "." : "");
  if (owner.session.open_streams() > 8) std::abort();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)run(bytes, size + 1);
  const Seen pairs = run(bytes, 2);
  const Seen sevens = run(bytes, 7);
  if (pairs.fine != sevens.fine || (pairs.fine && pairs.streams != sevens.streams)) std::abort();
  return 0;
}
