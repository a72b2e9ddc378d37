#pragma once
// For the session's tests and fuzzers: frames as a peer makes them, an owner of streams that answers, or asks, with what it is told to.

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "yun/http/codec2/session.hpp"

namespace yun::http::codec2 {

inline std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string bytes(kFrameHead, '\0');
  write_frame_head(bytes.data(), payload.size(), type, flags, stream);
  return bytes.append(payload);
}
inline std::string four(std::uint32_t value) {
  std::string bytes(4, '\0');
  write_u32(bytes.data(), value);
  return bytes;
}

class Owner : public Session::Events {
 public:
  struct Stream : StreamState {
    std::string head;     ///< "name=value;" of each field
    std::string body;
    std::string answer;   ///< what is sent
    std::size_t sent = 0;
    bool trailers = false;
    bool headed = false, ended = false;
  };

  explicit Owner(const SessionLimits& limits = {}, Role role = Role::Server) : session(role, *this, out, limits) {}

  /// True while the connection goes on.
  bool take(std::string_view bytes) {
    in.append(bytes);
    const bool fine = session.receive(in, now);
    collect();
    return fine;
  }
  bool start() {
    session.open();
    const bool fine = take(std::string(kPreface) + frame(FrameType::Settings, 0, 0, ""));
    take_out();
    return fine;
  }
  std::string take_out() {
    std::string bytes(out.view());
    out.clear();
    session.flushed();
    return bytes;
  }
  void answer(std::uint32_t id, std::string body, bool trailers = false, std::size_t limit = 1 << 20) {
    Stream& stream = *streams.at(id);
    stream.answer = std::move(body);
    stream.trailers = trailers;
    session.begin_head(stream, 200);
    session.end_head(stream, false);
    session.resume(stream, limit);
    collect();
  }
  /// As a client: what a client says first has been said, and `settings` of the server have come.
  bool start_client(std::string_view settings = "") {
    session.open();
    const bool fine = take(frame(FrameType::Settings, 0, 0, settings) + frame(FrameType::Settings, flag::kAck, 0, ""));
    take_out();
    return fine;
  }
  /// As a client: its id, or 0 if no stream may be opened. An empty body ends the request with its head.
  std::uint32_t ask(std::string body = "", bool trailers = false, std::size_t limit = 1 << 20) {
    if (!session.can_open()) return 0;
    auto stream = std::make_unique<Stream>();
    session.begin_request(*stream);
    session.put(":method", "POST");
    session.put(":path", "/");
    const bool whole = body.empty() && !trailers;
    session.end_head(*stream, whole);
    stream->answer = std::move(body);
    stream->trailers = trailers;
    Stream& asked = *stream;
    streams[asked.id] = std::move(stream);
    if (!whole) session.resume(asked, limit);
    collect();
    return asked.id;
  }
  void collect() {
    session.take_closed(closing);
    for (StreamState* each : closing) closed.push_back(each->id);
  }

  StreamState* on_begin(std::uint32_t id) override {
    if (refuse_all) return nullptr;
    auto& slot = streams[id];
    slot = std::make_unique<Stream>();
    return slot.get();
  }
  void on_field(StreamState& state, const HeaderField& field) override {
    Stream& stream = static_cast<Stream&>(state);
    stream.head.append(field.name).append("=").append(field.value).append(";");
  }
  void on_head(StreamState& state) override {
    Stream& stream = static_cast<Stream&>(state);
    stream.headed = true;
    if (length >= 0) stream.content_left = length;
  }
  void on_data(StreamState& state, std::string_view bytes) override {
    static_cast<Stream&>(state).body.append(bytes);
    session.consume_connection(bytes.size());
    if (reads) session.consume_stream(state, bytes.size());
  }
  void on_end(StreamState& state) override { static_cast<Stream&>(state).ended = true; }
  Piece on_produce(StreamState& state, std::span<char> room) override {
    Stream& stream = static_cast<Stream&>(state);
    const std::size_t count = std::min(room.size(), stream.answer.size() - stream.sent);
    std::copy_n(stream.answer.data() + stream.sent, count, room.data());
    stream.sent += count;
    if (stream.sent < stream.answer.size()) return {count, Piece::Then::More};
    return {count, stream.trailers ? Piece::Then::Trailers : Piece::Then::End};
  }
  void on_trailers(StreamState& state) override {
    session.begin_trailers(state);
    session.put("grpc-status", "0");
    session.end_head(state, true);
  }

  Buffer in;
  Buffer out;
  TimePoint now{};
  bool refuse_all = false;
  bool reads = true;
  std::int64_t length = -1;
  std::map<std::uint32_t, std::unique_ptr<Stream>> streams;
  std::vector<std::uint32_t> closed;
  std::vector<StreamState*> closing;
  Session session;
};

/// The frames of what was sent, each "TYPE flags stream size", for comparing.
inline std::string describe(std::string_view bytes) {
  static constexpr std::string_view kNames[] = {"DATA", "HEADERS", "PRIORITY", "RST", "SETTINGS", "PUSH", "PING", "GOAWAY", "WINDOW", "CONTINUATION"};
  std::string text;
  while (bytes.size() >= kFrameHead) {
    const FrameHead head = read_frame_head(bytes.data());
    text.append(kNames[head.type]).append(head.flags & flag::kEndStream ? "+" : "").append(std::to_string(head.stream));
    const std::string_view payload = bytes.substr(kFrameHead, head.size);
    if (head.type == static_cast<std::uint8_t>(FrameType::Data)) text.append(":").append(std::to_string(head.size));
    if (head.type == static_cast<std::uint8_t>(FrameType::RstStream)) text.append(":").append(std::to_string(read_u32(payload.data())));
    if (head.type == static_cast<std::uint8_t>(FrameType::GoAway)) text.append(":").append(std::to_string(read_u32(payload.data() + 4)));
    if (head.type == static_cast<std::uint8_t>(FrameType::WindowUpdate)) text.append(":").append(std::to_string(read_u32(payload.data())));
    text.append(" ");
    bytes.remove_prefix(kFrameHead + head.size);
  }
  return text;
}

}  // namespace yun::http::codec2
