// Session, what only a client does: it begins streams, and reads the heads of their answers (RFC 9113 8.3.2).
#include "yun/http/codec2/session.hpp"

namespace yun::http::codec2 {

namespace {
constexpr std::uint8_t kMostInterims = 32;  // 1xx heads of one answer
}  // namespace

void Session::begin_request(StreamState& stream) {
  last_stream_ = last_stream_ == 0 ? 1 : last_stream_ + 2;
  add(stream, last_stream_);
  begin_trailers(stream);
}

/// Three digits, once.
bool Session::check_status(std::string_view value) {
  if (block_.status != 0 || value.size() != 3) return false;
  int status = 0;
  for (const char digit : value) {
    if (digit < '0' || digit > '9') return false;
    status = status * 10 + (digit - '0');
  }
  block_.status = status;
  // 101 is not for HTTP/2 (RFC 9113 8.6), and no final answer is a 0xx.
  return status >= 100 && status != 101;
}

bool Session::take_answer(StreamState& stream, std::string_view block) {
  const bool ends = (block_.flags & flag::kEndStream) != 0;
  if (!decode(block, &stream, false)) return false;
  const bool interim = block_.status < 200;
  if (block_.malformed || block_.status == 0 || (interim && ends)) return stream_error(stream, ErrorCode::ProtocolError);
  if (interim) return ++stream.interims <= kMostInterims || stream_error(stream, ErrorCode::EnhanceYourCalm);
  stream.head_done = true;
  events_.on_head(stream);
  return stream.gone || !ends || end_remote(stream);
}

/// Of a stream that is over, or never was. One that we reset may be answered late, however many have ended since.
bool Session::take_unknown_block(std::string_view block) {
  if (is_idle(block_.stream)) return fail(ErrorCode::ProtocolError, "HEADERS on an idle stream");
  const Ended* ended = find_ended(block_.stream);
  if (ended && !ended->by_us) return fail(ErrorCode::StreamClosed, "HEADERS on a closed stream");
  return decode(block, nullptr, true);
}

/// RST_STREAM may cross with the stream's end, once; more of them are work for nothing.
bool Session::take_late_reset(std::uint32_t id) {
  if (Ended* ended = find_ended(id); ended && !std::exchange(ended->reset_came, true)) return true;
  return spend_reset();
}

/// GOAWAY: the server will not look at streams after `last_stream`; what they asked may be sent elsewhere.
bool Session::drop_unprocessed(std::uint32_t last_stream) {
  if (last_stream > peer_last_) return fail(ErrorCode::ProtocolError, "a GOAWAY that takes back what one before said");
  peer_last_ = last_stream;
  std::vector<StreamState*> dropped;
  table_.each([&](StreamState& stream) {
    if (stream.id > last_stream) dropped.push_back(&stream);
  });
  for (StreamState* stream : dropped) {
    stream->was_reset = true;
    stream->reset_code = ErrorCode::RefusedStream;
    stream->sending = false;
    close(*stream, true);
  }
  return true;
}

}  // namespace yun::http::codec2
