// Session, the way out: heads, DATA under flow control, the connection's own frames.
#include <algorithm>

#include "yun/http/codec2/session.hpp"

namespace yun::http::codec2 {

namespace {
void put_setting(char*& at, Setting name, std::uint32_t value) {
  at[0] = 0;
  at[1] = static_cast<char>(name);
  write_u32(at + 2, value);
  at += 6;
}
}  // namespace

void Session::open() {
  const bool server = role_ == Role::Server;
  const bool connects = server && limits_.connect_protocol;
  const std::size_t size = 6 * (connects ? 4u : 3u);
  if (!server) out_.append(kPreface);
  char* at = out_.prepare(kFrameHead + size).data();
  write_frame_head(at, size, FrameType::Settings, 0, 0);
  at += kFrameHead;
  put_setting(at, server ? Setting::MaxConcurrentStreams : Setting::EnablePush, server ? limits_.max_streams : 0);
  put_setting(at, Setting::InitialWindowSize, limits_.stream_window);
  put_setting(at, Setting::MaxHeaderListSize, limits_.max_header_list);
  if (connects) put_setting(at, Setting::EnableConnectProtocol, 1);
  out_.commit(kFrameHead + size);
  const std::uint32_t more = limits_.connection_window - kDefaultWindow;
  if (more > 0) put_window_update(out_, 0, more);
  receive_window_ += more;
}

// ---- heads ----

void Session::begin_head(StreamState& stream, int status) {
  begin_trailers(stream);
  encoder_.put_status(out_, status);
}

void Session::begin_trailers(StreamState&) {
  (void)out_.prepare(kFrameHead);  // filled in when the size is known
  head_at_ = out_.size();
  out_.commit(kFrameHead);
  encoder_.begin(out_);
}

void Session::end_head(StreamState& stream, bool end_stream) {
  const std::size_t size = out_.size() - head_at_ - kFrameHead;
  const std::uint8_t end = end_stream ? flag::kEndStream : 0;
  if (size <= kMaxFrame) {
    write_frame_head(out_.data() + head_at_, size, FrameType::Headers, end | flag::kEndHeaders, stream.id);
  } else {
    const std::string block(out_.view().substr(head_at_ + kFrameHead));
    out_.drop_back(block.size() + kFrameHead);
    for (std::size_t at = 0; at < block.size(); at += kMaxFrame) {
      const std::string_view part = std::string_view(block).substr(at, kMaxFrame);
      const bool last = at + part.size() == block.size();
      char head[kFrameHead];
      write_frame_head(head, part.size(), at == 0 ? FrameType::Headers : FrameType::Continuation,
                       static_cast<std::uint8_t>((at == 0 ? end : 0) | (last ? flag::kEndHeaders : 0)), stream.id);
      out_.append({head, kFrameHead});
      out_.append(part);
    }
  }
  if (!end_stream) return;
  stream.local_done = true;
  stream.sending = false;
  if (stream.remote_done && !stream.gone) close(stream, false);
}

// ---- DATA ----

void Session::enqueue(StreamState& stream) {
  if (stream.queued || stream.gone) return;
  stream.queued = true;
  queue_.push_back(&stream);
}

void Session::resume(StreamState& stream, std::size_t limit) {
  if (stream.gone || stream.local_done) return;
  stream.sending = true;
  if (stream.queued) return;
  if (out_.size() >= limit || send_piece(stream)) enqueue(stream);
}

bool Session::send_piece(StreamState& stream) {
  // A window that is shut holds back data only, not the end.
  const std::int64_t window = std::min(stream.send_window, send_window_);
  const std::size_t most = window <= 0 ? 0 : std::min(static_cast<std::size_t>(window), kMaxFrame);
  char* at = out_.prepare(kFrameHead + most).data();
  const Piece piece = events_.on_produce(stream, {at + kFrameHead, most});
  if (piece.then == Piece::Then::Failed) {
    reset(stream, ErrorCode::InternalError);
    return false;
  }
  const bool ends = piece.then == Piece::Then::End;
  if (piece.size > 0 || ends) {
    write_frame_head(at, piece.size, FrameType::Data, ends ? flag::kEndStream : 0, stream.id);
    out_.commit(kFrameHead + piece.size);
    stream.send_window -= static_cast<std::int64_t>(piece.size);
    send_window_ -= static_cast<std::int64_t>(piece.size);
  }
  switch (piece.then) {
    case Piece::Then::More: return stream.send_window > 0;  // else the peer's WINDOW_UPDATE queues it again
    case Piece::Then::Trailers:
      stream.sending = false;
      events_.on_trailers(stream);
      return false;
    case Piece::Then::End:
      stream.sending = false;
      stream.local_done = true;
      if (stream.remote_done) close(stream, false);
      return false;
    default: stream.sending = false; return false;
  }
}

bool Session::produce(std::size_t limit) {
  // Those that would go on stand at the end again: all of them get their turn.
  while (queue_first_ < queue_.size() && out_.size() < limit) {
    StreamState* stream = queue_[queue_first_++];
    if (!stream) continue;
    if (send_window_ <= 0) {
      --queue_first_;
      break;  // a stream that only has its end to send waits with the others
    }
    stream->queued = false;
    if (send_piece(*stream)) enqueue(*stream);
  }
  if (queue_first_ == queue_.size()) {
    queue_.clear();
    queue_first_ = 0;
  } else if (queue_first_ > 256) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(queue_first_));
    queue_first_ = 0;
  }
  return !queue_.empty() && send_window_ > 0;
}

void Session::reset(StreamState& stream, ErrorCode code) {
  if (stream.gone) return;
  put_rst_stream(out_, stream.id, code);
  stream.was_reset = true;
  stream.reset_code = code;
  stream.sending = false;
  close(stream, true);
}

// ---- flow control ----

void Session::consume_connection(std::size_t size) {
  consumed_ += static_cast<std::uint32_t>(size);
  if (consumed_ < limits_.connection_window / 2) return;
  put_window_update(out_, 0, consumed_);
  receive_window_ += consumed_;
  consumed_ = 0;
}

void Session::consume_stream(StreamState& stream, std::size_t size) {
  if (stream.gone || stream.remote_done) return;
  stream.consumed += static_cast<std::uint32_t>(size);
  if (stream.consumed < limits_.stream_window / 2) return;
  put_window_update(out_, stream.id, stream.consumed);
  stream.receive_window += stream.consumed;
  stream.consumed = 0;
}

// ---- the connection ----

void Session::ping() { put_ping(out_, false, "yun ping"); }

void Session::notice_shutdown() { put_goaway(out_, kMaxStreamId, ErrorCode::NoError, {}); }

void Session::go_away(ErrorCode code) {
  going_ = true;
  put_goaway(out_, role_ == Role::Server ? last_stream_ : 0, code, {});
}

void Session::close_all() {
  going_ = true;
  std::vector<StreamState*> all;
  table_.each([&](StreamState& stream) { all.push_back(&stream); });
  for (StreamState* stream : all) close(*stream, true);
}

}  // namespace yun::http::codec2
