// Session, the way in: frames, stream states, limits. Header blocks are in session_block.cpp, a client's own in session_client.cpp.
#include "yun/http/codec2/session.hpp"

#include <algorithm>

namespace yun::http::codec2 {

namespace {
constexpr unsigned kMostSettings = 32;
constexpr unsigned kMostAcks = 100;         // PING and SETTINGS in one read, or while the peer takes no bytes
constexpr unsigned kMostEmptyFrames = 100;  // DATA without data, one after the other
}  // namespace

// ---- the table ----

StreamState* Session::Table::find(std::uint32_t id) const {
  for (std::size_t at = home(id); slots_[at]; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at]->id == id) return slots_[at];
  }
  return nullptr;
}

void Session::Table::insert(StreamState& stream) {
  if ((size_ + 1) * 2 > slots_.size()) {
    std::vector<StreamState*> old(slots_.size() * 2);
    old.swap(slots_);
    size_ = 0;
    for (StreamState* each : old) {
      if (each) insert(*each);
    }
  }
  std::size_t at = home(stream.id);
  while (slots_[at]) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = &stream;
  ++size_;
}

void Session::Table::erase(const StreamState& stream) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = home(stream.id);
  while (slots_[at] != &stream) at = (at + 1) & mask;
  slots_[at] = nullptr;
  --size_;
  // Those behind move up, so that no search stops at the hole.
  for (std::size_t next = (at + 1) & mask; slots_[next]; next = (next + 1) & mask) {
    const std::size_t wanted = home(slots_[next]->id);
    if (((next - wanted) & mask) < ((next - at) & mask)) continue;
    slots_[at] = std::exchange(slots_[next], nullptr);
    at = next;
  }
}

// ---- the connection ----

Session::Session(Role role, Events& events, Buffer& out, const SessionLimits& limits)
    : role_(role), events_(events), out_(out), limits_(limits), preface_done_(role == Role::Client) {
  limits_.connection_window = std::max(limits.connection_window, kDefaultWindow);
  resets_.level = limits.max_resets_per_minute;
}

bool Session::fail(ErrorCode code, std::string_view words) {
  if (!failed_) put_goaway(out_, role_ == Role::Server ? last_stream_ : 0, code, words);
  failed_ = true;
  error_words_ = words;
  return false;
}

bool Session::receive(Buffer& in, TimePoint now) {
  if (failed_) return false;
  now_ = now;
  if (!preface_done_) {
    const std::string_view seen = in.view().substr(0, kPreface.size());
    if (seen != kPreface.substr(0, seen.size())) return fail(ErrorCode::ProtocolError, "no HTTP/2 preface");
    if (seen.size() < kPreface.size()) return true;
    in.consume(kPreface.size());
    preface_done_ = true;
  }
  for (;;) {
    const std::string_view bytes = in.view();
    if (bytes.size() < kFrameHead) return true;
    const FrameHead head = read_frame_head(bytes.data());
    if (head.size > kMaxFrame) return fail(ErrorCode::FrameSizeError, "a frame over SETTINGS_MAX_FRAME_SIZE");
    if (bytes.size() < kFrameHead + head.size) return true;
    const bool fine = take_frame(head, bytes.substr(kFrameHead, head.size));
    in.consume(kFrameHead + head.size);
    if (!fine) return false;
  }
}

bool Session::take_frame(const FrameHead& head, std::string_view payload) {
  const auto type = static_cast<FrameType>(head.type);
  if (!settings_seen_ && (type != FrameType::Settings || (head.flags & flag::kAck) != 0)) {
    return fail(ErrorCode::ProtocolError, "the first frame is not SETTINGS");
  }
  if (in_block_ && (type != FrameType::Continuation || head.stream != block_.stream)) {
    return fail(ErrorCode::ProtocolError, "another frame within a header block");
  }
  switch (type) {
    case FrameType::Data: return take_data(head, payload);
    case FrameType::Headers: return take_headers(head, payload);
    case FrameType::Priority: return take_priority(head, payload);
    case FrameType::RstStream: return take_rst_stream(head, payload);
    case FrameType::Settings: return take_settings(head, payload);
    case FrameType::PushPromise: return fail(ErrorCode::ProtocolError, "PUSH_PROMISE that nobody allowed");
    case FrameType::Ping: return take_ping(head, payload);
    case FrameType::GoAway: return take_goaway(head, payload);
    case FrameType::WindowUpdate: return take_window_update(head, payload);
    case FrameType::Continuation: return take_continuation(head, payload);
  }
  return true;  // unknown types are ignored (RFC 9113 5.5)
}

// ---- streams' ends ----

Session::Ended* Session::find_ended(std::uint32_t id) {
  const auto found = std::find_if(ended_.begin(), ended_.end(), [&](const Ended& each) { return each.id == id; });
  return found == ended_.end() ? nullptr : &*found;
}

void Session::close(StreamState& stream, bool by_us) {
  table_.erase(stream);
  stream.gone = true;
  if (stream.queued) std::replace(queue_.begin(), queue_.end(), &stream, static_cast<StreamState*>(nullptr));
  stream.queued = false;
  ended_[ended_next_] = {stream.id, by_us};
  ended_next_ = (ended_next_ + 1) % ended_.size();
  --open_;
  closed_.push_back(&stream);
}

/// The peer's fault: it is told so. A client pays from the same purse as for its own resets; a server cannot break more streams than we begin.
bool Session::stream_error(StreamState& stream, ErrorCode code) {
  reset(stream, code);
  stream.broken = true;
  return role_ == Role::Client || spend_reset();
}

bool Session::spend_reset() {
  const double most = limits_.max_resets_per_minute;
  const double seconds = std::chrono::duration<double>(now_ - resets_.filled).count();
  resets_.level = std::min(most, resets_.level + std::max(0.0, seconds) * most / 60);
  resets_.filled = now_;
  if (resets_.level < 1) return fail(ErrorCode::EnhanceYourCalm, "too many streams were reset");
  resets_.level -= 1;
  return true;
}

bool Session::end_remote(StreamState& stream) {
  if (stream.content_left > 0) return stream_error(stream, ErrorCode::ProtocolError);  // shorter than it said
  stream.remote_done = true;
  events_.on_end(stream);
  if (stream.local_done && !stream.gone) close(stream, false);
  return true;
}

// ---- DATA ----

bool Session::take_data(const FrameHead& head, std::string_view payload) {
  if (is_idle(head.stream)) return fail(ErrorCode::ProtocolError, "DATA on an idle stream");
  receive_window_ -= head.size;
  if (receive_window_ < 0) return fail(ErrorCode::FlowControlError, "more DATA than the connection's window");
  StreamState* stream = table_.find(head.stream);
  if (!stream) {
    consume_connection(head.size);
    const Ended* ended = find_ended(head.stream);
    if (ended && !ended->by_us) return fail(ErrorCode::StreamClosed, "DATA on a closed stream");
    return true;  // on its way when we reset the stream
  }
  std::size_t padding = 0;
  if ((head.flags & flag::kPadded) != 0) {
    padding = payload.empty() ? 1 : static_cast<unsigned char>(payload.front()) + 1u;
    if (padding > payload.size()) return fail(ErrorCode::ProtocolError, "padding longer than its frame");
    payload = payload.substr(1, payload.size() - padding);
  }
  const bool ends = (head.flags & flag::kEndStream) != 0;
  if (stream->remote_done) {
    consume_connection(head.size);
    return stream_error(*stream, ErrorCode::StreamClosed);
  }
  if (!stream->head_done) {
    consume_connection(head.size);
    return stream_error(*stream, ErrorCode::ProtocolError);
  }
  stream->receive_window -= head.size;
  if (stream->receive_window < 0) {
    consume_connection(head.size);
    return stream_error(*stream, ErrorCode::FlowControlError);
  }
  if (stream->content_left >= 0) {
    stream->content_left -= static_cast<std::int64_t>(payload.size());
    if (stream->content_left < 0) {
      consume_connection(head.size);
      return stream_error(*stream, ErrorCode::ProtocolError);  // longer than it said
    }
  }
  if (padding > 0) {
    consume_connection(padding);
    consume_stream(*stream, padding);
  }
  if (!payload.empty()) {
    empty_frames_ = 0;
    events_.on_data(*stream, payload);
  } else if (!ends && ++empty_frames_ > kMostEmptyFrames) {
    return fail(ErrorCode::EnhanceYourCalm, "too many empty frames");
  }
  return !ends || stream->gone || end_remote(*stream);
}

// ---- the other frames ----

bool Session::take_priority(const FrameHead& head, std::string_view payload) {
  if (head.stream == 0) return fail(ErrorCode::ProtocolError, "PRIORITY on stream 0");
  if (payload.size() != 5) return fail(ErrorCode::FrameSizeError, "a PRIORITY frame that is not five bytes");
  if ((read_u32(payload.data()) & kMaxStreamId) == head.stream) return fail(ErrorCode::ProtocolError, "a stream that depends on itself");
  return true;  // RFC 9113 5.3.2: priorities of this kind are no longer followed
}

bool Session::take_rst_stream(const FrameHead& head, std::string_view payload) {
  if (payload.size() != 4) return fail(ErrorCode::FrameSizeError, "an RST_STREAM frame that is not four bytes");
  if (is_idle(head.stream)) return fail(ErrorCode::ProtocolError, "RST_STREAM on an idle stream");
  StreamState* stream = table_.find(head.stream);
  if (!stream) return role_ == Role::Server || take_late_reset(head.stream);
  stream->was_reset = true;
  stream->reset_code = static_cast<ErrorCode>(read_u32(payload.data()));
  stream->sending = false;
  close(*stream, false);
  if (role_ == Role::Server) return spend_reset();
  find_ended(head.stream)->reset_came = true;
  return true;
}

bool Session::take_settings(const FrameHead& head, std::string_view payload) {
  if (head.stream != 0) return fail(ErrorCode::ProtocolError, "SETTINGS on a stream");
  if ((head.flags & flag::kAck) != 0) {
    if (!payload.empty()) return fail(ErrorCode::FrameSizeError, "an acknowledgement with settings in it");
    settings_acked_ = true;
    return true;
  }
  if (payload.size() % 6 != 0) return fail(ErrorCode::FrameSizeError, "a SETTINGS frame that is not a multiple of six bytes");
  if (payload.size() / 6 > kMostSettings) return fail(ErrorCode::EnhanceYourCalm, "too many settings");
  if (!std::exchange(settings_seen_, true)) peer_streams_ = ~std::uint32_t{0};
  for (; !payload.empty(); payload.remove_prefix(6)) {
    const auto name = static_cast<Setting>(read_u32(payload.data()) >> 16);
    if (!take_setting(name, read_u32(payload.data() + 2))) return false;
  }
  if (++acks_ > kMostAcks) return fail(ErrorCode::EnhanceYourCalm, "too many SETTINGS frames");
  put_settings_ack(out_);
  return true;
}

bool Session::take_setting(Setting name, std::uint32_t value) {
  switch (name) {
    case Setting::HeaderTableSize: encoder_.set_peer_limit(value); break;
    case Setting::MaxConcurrentStreams: peer_streams_ = value; break;
    case Setting::EnablePush:
      if (value > 1) return fail(ErrorCode::ProtocolError, "a setting that is neither 0 nor 1");
      if (value == 1 && role_ == Role::Client) return fail(ErrorCode::ProtocolError, "a server that asks for pushes");
      break;
    case Setting::EnableConnectProtocol:
      if (value > 1) return fail(ErrorCode::ProtocolError, "a setting that is neither 0 nor 1");
      if (value < static_cast<std::uint32_t>(peer_connects_)) return fail(ErrorCode::ProtocolError, "a connect protocol taken back");
      peer_connects_ = value == 1;
      break;
    case Setting::InitialWindowSize: {
      if (value > kMaxWindow) return fail(ErrorCode::FlowControlError, "an initial window over 2^31-1");
      const std::int64_t more = std::int64_t{value} - peer_window_;
      peer_window_ = value;
      bool too_large = false;
      table_.each([&](StreamState& stream) {
        const bool was_shut = stream.send_window <= 0;
        stream.send_window += more;
        too_large |= stream.send_window > kMaxWindow;
        if (was_shut && stream.sending && stream.send_window > 0) enqueue(stream);
      });
      if (too_large) return fail(ErrorCode::FlowControlError, "a window over 2^31-1");
      break;
    }
    case Setting::MaxFrameSize:
      if (value < kMaxFrame || value > 0xffffff) return fail(ErrorCode::ProtocolError, "a frame size that is not allowed");
      break;  // frames of the least size suit everyone
    default: break;
  }
  return true;
}

bool Session::take_ping(const FrameHead& head, std::string_view payload) {
  if (payload.size() != 8) return fail(ErrorCode::FrameSizeError, "a PING frame that is not eight bytes");
  if (head.stream != 0) return fail(ErrorCode::ProtocolError, "PING on a stream");
  if ((head.flags & flag::kAck) != 0) return true;
  if (++acks_ > kMostAcks) return fail(ErrorCode::EnhanceYourCalm, "too many PING frames");
  put_ping(out_, true, payload);
  return true;
}

bool Session::take_goaway(const FrameHead& head, std::string_view payload) {
  if (head.stream != 0) return fail(ErrorCode::ProtocolError, "GOAWAY on a stream");
  if (payload.size() < 8) return fail(ErrorCode::FrameSizeError, "a GOAWAY frame of less than eight bytes");
  peer_goes_ = true;
  return role_ == Role::Server || drop_unprocessed(read_u32(payload.data()) & kMaxStreamId);
}

bool Session::take_window_update(const FrameHead& head, std::string_view payload) {
  if (payload.size() != 4) return fail(ErrorCode::FrameSizeError, "a WINDOW_UPDATE frame that is not four bytes");
  const std::uint32_t increment = read_u32(payload.data()) & kMaxStreamId;
  if (head.stream == 0) {
    if (increment == 0) return fail(ErrorCode::ProtocolError, "a window update of zero");
    send_window_ += increment;
    return send_window_ <= kMaxWindow || fail(ErrorCode::FlowControlError, "a window over 2^31-1");
  }
  if (is_idle(head.stream)) return fail(ErrorCode::ProtocolError, "WINDOW_UPDATE on an idle stream");
  StreamState* stream = table_.find(head.stream);
  if (!stream) return true;
  if (increment == 0) return stream_error(*stream, ErrorCode::ProtocolError);
  const bool was_shut = stream->send_window <= 0;
  stream->send_window += increment;
  if (stream->send_window > kMaxWindow) return stream_error(*stream, ErrorCode::FlowControlError);
  if (was_shut && stream->sending) enqueue(*stream);
  return true;
}

}  // namespace yun::http::codec2
