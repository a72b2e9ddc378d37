// Any bytes as a server: the client's session never sends more than a window, never touches a stream that is closed, opens no more than it may,
// and judges the same however the bytes are cut.

#include <cstdint>
#include <cstdlib>

#include "yun/http/codec2/session_testing.hpp"

using namespace yun::http::codec2;

namespace {

constexpr std::size_t kMostStreams = 8;

struct Seen {
  bool fine = true;
  std::string streams;
};

Seen run(std::string_view bytes, std::size_t step) {
  Owner owner({.max_streams = kMostStreams, .stream_window = 1000, .connection_window = 70'000, .max_resets_per_minute = 10}, Role::Client);
  if (!owner.start_client()) std::abort();
  for (std::size_t i = 0; i < kMostStreams; ++i) owner.ask(std::string(i * 100, 'x'), i % 3 == 1);
  Seen seen;
  const bool whole = step >= bytes.size();
  // Whole: it goes on asking and resetting, so that streams end in every order.
  for (std::size_t at = 0; at < bytes.size() && seen.fine; at += whole ? 64 : step) {
    seen.fine = owner.take(bytes.substr(at, whole ? 64 : step));
    if (!whole || !seen.fine) continue;
    const std::uint32_t asked = owner.ask(std::string(at * 50, 'y'), at % 128 == 0, 1 << 16);
    if (asked % 8 == 3 && !owner.streams.at(asked)->gone) owner.session.reset(*owner.streams.at(asked), ErrorCode::Cancel);
    (void)owner.session.produce(1 << 16);
    owner.collect();
    owner.take_out();
  }
  for (const auto& [id, stream] : owner.streams) seen.streams += stream->head + "|" + stream->body + "|" + (stream->ended ? "." : "");
  if (owner.session.open_streams() > kMostStreams) std::abort();
  owner.session.close_all();
  if (owner.session.open_streams() != 0) std::abort();
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
