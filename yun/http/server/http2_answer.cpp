// Http2's answers: heads, DATA as the windows allow, trailers.

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "yun/base/strings.hpp"
#include "yun/http/codec1/writer.hpp"
#include "yun/http/server/http2.hpp"

namespace yun::http::server {

namespace {
constexpr std::size_t kLowWater = 32 << 10;

using Then = codec2::Piece::Then;

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

/// Fields of an HTTP/1 connection, and those that the server writes itself.
bool is_of_connection(std::string_view name) {
  switch (name.size()) {
    case 4: return name == "date";
    case 7: return name == "upgrade";
    case 10: return name == "connection" || name == "keep-alive";
    case 14: return name == "content-length";
    case 16: return name == "proxy-connection";
    case 17: return name == "transfer-encoding";
    default: return false;
  }
}
}  // namespace

bool Http2::is_whole(const Stream& stream) const { return !stream.response.stream && !stream.response.upgrade && (stream.response.file || stream.response.body.is_whole()); }

bool Http2::has_answer_body(const Stream& stream) const { return stream.request.method != Method::Head && status_has_body(stream.response.status); }

// ---- heads and trailers ----

void Http2::put_fields(const Stream& stream) {
  std::string cleaned;
  for (const Headers::Field each : stream.response.headers) {
    if (is_of_connection(each.name) || !codec1::is_token(each.name)) continue;
    std::string_view value = each.value;
    if (codec1::first_control(value) != value.size()) {
      cleaned.assign(value);
      std::replace_if(cleaned.begin(), cleaned.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, ' ');
      value = cleaned;
    }
    if (each.name == "set-cookie") {
      session_.put_once(each.name, value, true);
    } else {
      session_.put(each.name, value);
    }
  }
}

void Http2::submit_head(Stream& stream) {
  if (stream.gone) return;
  const Response& response = stream.response;
  const bool whole = is_whole(stream);
  const bool body = has_answer_body(stream);
  stream.head_sent = true;
  stream.streams = !whole && body;
  stream.quiet_since = link_.shard.loop.now();

  const int code = response.status >= 200 && response.status < 600 ? response.status : 500;
  session_.begin_head(stream, code);
  put_fields(stream);
  session_.put_once("date", codec1::date(link_.shard.loop.now()));
  const std::size_t size = response.file ? static_cast<std::size_t>(response.file->size) : response.body.bytes().size();
  const bool trailers = !response.trailers.empty();
  char length[20];
  std::string_view length_text = response.headers.get("content-length").value_or("");
  if (whole && stream.grpc) {
    length_text = {};  // the messages have lengths of their own, and END_STREAM says the rest
  } else if (whole && status_has_body(code) && !(size == 0 && stream.request.method == Method::Head && !length_text.empty())) {
    const auto end = std::to_chars(length, length + sizeof length, size).ptr;
    length_text = {length, static_cast<std::size_t>(end - length)};
  }
  if (!length_text.empty() && status_has_body(code) && parse_u64(length_text)) session_.put_once("content-length", length_text);

  const bool no_data = !body || (whole && size == 0);
  const bool ends = no_data && !(trailers && body);
  session_.end_head(stream, ends);
  if (ends) {
    ended_answer(stream);
  } else if (no_data) {
    submit_trailers(stream, response.trailers);
  } else if (whole) {
    session_.resume(stream, kWriteSize);
  }
}

void Http2::submit_trailers(Stream& stream, const Headers& trailers) {
  session_.begin_trailers(stream);
  for (const Headers::Field each : trailers) {
    if (is_of_connection(each.name) || !codec1::is_token(each.name) || codec1::first_control(each.value) != each.value.size()) continue;
    session_.put(each.name, each.value);
  }
  session_.end_head(stream, true);
  ended_answer(stream);
}

void Http2::on_trailers(codec2::StreamState& state) {
  Stream& stream = static_cast<Stream&>(state);
  submit_trailers(stream, stream.streams ? stream.trailers_out : stream.response.trailers);
}

void Http2::ended_answer(Stream& stream) {
  stream.answered = stream.discards = true;
  stream.quiet_since = link_.shard.loop.now();
}

// ---- DATA ----

codec2::Piece Http2::on_produce(codec2::StreamState& state, std::span<char> room) {
  Stream& stream = static_cast<Stream&>(state);
  stream.quiet_since = link_.shard.loop.now();
  const codec2::Piece piece = stream.streams ? produce_stream(stream, room) : stream.response.file ? produce_file(stream, room) : produce_whole(stream, room);
  if (piece.then == Then::End) ended_answer(stream);
  return piece;
}

codec2::Piece Http2::produce_stream(Stream& stream, std::span<char> room) {
  const std::size_t count = std::min(room.size(), stream.outgoing.size());
  if (count > 0) {
    std::copy_n(stream.outgoing.data(), count, room.data());
    stream.outgoing.consume(count);
    if (stream.outgoing.size() <= kLowWater) stream.drained.set();
  }
  if (!stream.outgoing.empty()) return {count, Then::More};
  if (!stream.out_done) return {count, Then::Wait};
  return {count, stream.trailers_out.empty() ? Then::End : Then::Trailers};
}

codec2::Piece Http2::produce_file(Stream& stream, std::span<char> room) {
  const FileBody& file = *stream.response.file;
  const std::size_t left = static_cast<std::size_t>(file.size) - stream.sent;
  if (room.empty()) return {0, Then::More};
  const ssize_t count = ::pread(file.file->get(), room.data(), std::min(room.size(), left), static_cast<off_t>(file.offset + stream.sent));
  if (count <= 0) {
    stream.failure = internal_error("the file became shorter while it was sent");
    return {0, Then::Failed};
  }
  stream.sent += static_cast<std::size_t>(count);
  if (stream.sent < file.size) return {static_cast<std::size_t>(count), Then::More};
  return {static_cast<std::size_t>(count), stream.response.trailers.empty() ? Then::End : Then::Trailers};
}

codec2::Piece Http2::produce_whole(Stream& stream, std::span<char> room) {
  const std::string_view rest = stream.response.body.bytes().substr(stream.sent);
  const std::size_t count = std::min(room.size(), rest.size());
  std::copy_n(rest.data(), count, room.data());
  stream.sent += count;
  if (count < rest.size()) return {count, Then::More};
  return {count, stream.response.trailers.empty() ? Then::End : Then::Trailers};
}

}  // namespace yun::http::server
