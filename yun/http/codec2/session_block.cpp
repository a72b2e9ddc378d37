// Session, the way in: header blocks, and what makes a message or its trailers malformed (RFC 9113 8.1.1).
#include "yun/http/codec2/field_check.hpp"
#include "yun/http/codec2/session.hpp"

namespace yun::http::codec2 {

namespace {
constexpr unsigned kMostContinuations = 8;

enum Pseudo : unsigned { kMethod = 1, kScheme = 2, kPath = 4, kAuthority = 8, kProtocol = 16 };

unsigned pseudo_bit(std::string_view name) {
  if (name == ":method") return kMethod;
  if (name == ":path") return kPath;
  if (name == ":scheme") return kScheme;
  if (name == ":authority") return kAuthority;
  if (name == ":protocol") return kProtocol;
  return 0;
}

/// RFC 9113 8.2.2: fields of an HTTP/1 connection.
bool is_of_connection(const HeaderField& field) {
  switch (field.name.size()) {
    case 2: return field.name == "te" && field.value != "trailers";
    case 7: return field.name == "upgrade";
    case 10: return field.name == "connection" || field.name == "keep-alive";
    case 16: return field.name == "proxy-connection";
    case 17: return field.name == "transfer-encoding";
    default: return false;
  }
}
}  // namespace

bool Session::take_headers(const FrameHead& head, std::string_view payload) {
  if (head.stream == 0) return fail(ErrorCode::ProtocolError, "HEADERS on stream 0");
  std::size_t padding = 0;
  if ((head.flags & flag::kPadded) != 0) {
    if (payload.empty()) return fail(ErrorCode::FrameSizeError, "no room for the padding's length");
    padding = static_cast<unsigned char>(payload.front());
    payload.remove_prefix(1);
  }
  bool depends_on_itself = false;
  if ((head.flags & flag::kPriority) != 0) {
    if (payload.size() < 5) return fail(ErrorCode::FrameSizeError, "no room for the priority");
    depends_on_itself = (read_u32(payload.data()) & kMaxStreamId) == head.stream;
    payload.remove_prefix(5);
  }
  if (padding > payload.size()) return fail(ErrorCode::ProtocolError, "padding longer than its frame");
  payload.remove_suffix(padding);
  block_ = {head.stream, head.flags, 0, false, depends_on_itself, 0};
  if ((head.flags & flag::kEndHeaders) != 0) return take_block(payload);
  in_block_ = true;
  continuations_ = 0;
  block_bytes_.assign(payload);
  return true;
}

bool Session::take_continuation(const FrameHead& head, std::string_view payload) {
  if (!in_block_) return fail(ErrorCode::ProtocolError, "CONTINUATION of nothing");
  if (++continuations_ > kMostContinuations) return fail(ErrorCode::EnhanceYourCalm, "too many CONTINUATION frames");
  block_bytes_.append(payload);
  if ((head.flags & flag::kEndHeaders) == 0) return true;
  in_block_ = false;
  const std::string whole = std::move(block_bytes_);
  block_bytes_.clear();
  return take_block(whole);
}

bool Session::take_block(std::string_view block) {
  if (StreamState* stream = table_.find(block_.stream)) {
    return stream->head_done ? take_trailers(*stream, block) : take_answer(*stream, block);
  }
  if (role_ == Role::Client) return take_unknown_block(block);
  if (block_.stream % 2 == 0) return fail(ErrorCode::ProtocolError, "a stream with an even id");
  if (block_.stream > last_stream_) return take_request(block);
  const Ended* ended = find_ended(block_.stream);
  if (!ended) return fail(ErrorCode::ProtocolError, "a stream id lower than one before");
  if (!ended->by_us) return fail(ErrorCode::StreamClosed, "HEADERS on a closed stream");
  return decode(block, nullptr, true);
}

void Session::add(StreamState& stream, std::uint32_t id) {
  stream = StreamState();
  stream.id = id;
  stream.send_window = peer_window_;
  stream.receive_window = settings_acked_ ? limits_.stream_window : std::max(limits_.stream_window, kDefaultWindow);
  table_.insert(stream);
  ++open_;
}

bool Session::take_trailers(StreamState& stream, std::string_view block) {
  const bool after_end = stream.remote_done;
  const bool ends = (block_.flags & flag::kEndStream) != 0;
  if (!decode(block, after_end || !ends ? nullptr : &stream, true)) return false;
  if (after_end) return stream_error(stream, ErrorCode::StreamClosed);
  if (block_.malformed || !ends) return stream_error(stream, ErrorCode::ProtocolError);
  return stream.gone || end_remote(stream);
}

bool Session::take_request(std::string_view block) {
  if (going_) return decode(block, nullptr, false);
  last_stream_ = block_.stream;
  StreamState* stream = open_ < limits_.max_streams ? events_.on_begin(block_.stream) : nullptr;
  if (!stream) {
    ended_[ended_next_] = {block_.stream, true};
    ended_next_ = (ended_next_ + 1) % ended_.size();
    put_rst_stream(out_, block_.stream, ErrorCode::RefusedStream);
    return decode(block, nullptr, false);
  }
  add(*stream, block_.stream);
  if (!decode(block, stream, false)) return false;
  const bool plain_connect = block_.pseudo == (kMethod | kAuthority);
  const bool complete = (block_.pseudo & (kMethod | kScheme | kPath)) == (kMethod | kScheme | kPath);
  if (block_.malformed || (!complete && !plain_connect)) return stream_error(*stream, ErrorCode::ProtocolError);
  stream->head_done = true;
  events_.on_head(*stream);
  if (stream->gone || (block_.flags & flag::kEndStream) == 0) return true;
  return end_remote(*stream);
}

bool Session::decode(std::string_view block, StreamState* stream, bool is_trailers) {
  decoder_.begin(block);
  HeaderField field;
  for (;;) {
    switch (decoder_.next(field)) {
      case HpackDecoder::Step::End: return true;
      case HpackDecoder::Step::Bad: return fail(ErrorCode::CompressionError, "a header block that HPACK cannot read");
      case HpackDecoder::Step::Field: break;
    }
    if (block_.malformed || !stream) continue;
    if (!check_field(field, is_trailers)) {
      block_.malformed = true;
    } else if (is_trailers || role_ == Role::Server || block_.status >= 200) {
      events_.on_field(*stream, field);
    }
  }
}

bool Session::check_field(const HeaderField& field, bool is_trailers) {
  if (!field.checked && !is_well_formed(field.name, field.value)) return false;
  if (field.name.front() != ':') {
    block_.fields = true;
    return !is_of_connection(field);
  }
  if (role_ == Role::Client) return !is_trailers && !block_.fields && field.name == ":status" && check_status(field.value);
  const unsigned bit = pseudo_bit(field.name);
  if (is_trailers || block_.fields || bit == 0 || (block_.pseudo & bit) != 0) return false;
  if (bit == kProtocol && !limits_.connect_protocol) return false;
  block_.pseudo |= bit;
  return bit != kPath || !field.value.empty();
}

}  // namespace yun::http::codec2
