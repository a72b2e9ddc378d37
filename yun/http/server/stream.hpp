#pragma once
// Stream: one exchange of an HTTP/2 connection. Internal to the server.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "yun/base/buffer.hpp"
#include "yun/http/codec2/request_builder.hpp"
#include "yun/http/codec2/session.hpp"
#include "yun/http/message.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::server {

/// Lives until its stream is closed and its coroutine, if any, has ended; then it is forgotten and used again.
struct Stream : codec2::StreamState {
  explicit Stream(const codec1::HeadLimits& limits) : builder(limits) {}
  /// As new, but for what every request of the connection has in common, and warm buffers.
  void forget();

  std::size_t index = 0;  ///< in Http2::streams_
  codec2::RequestBuilder builder;
  Request request;
  Response response;
  std::optional<Context> context;
  Outcome outcome;
  TimePoint started;

  // state
  bool head_complete = false;
  bool pending = false;     ///< to be looked at after this read
  bool buffering = false;   ///< a small body: wait for all of it
  bool first_awaited = false;  ///< a body of unknown length: a moment for it to end, so that a small one arrives whole
  bool dispatched = false;  ///< handle() was called: finished() is due
  bool ended = false;       ///< the client has sent all
  bool closed = false;
  bool busy = false;  ///< a coroutine holds this
  bool head_sent = false;
  bool answered = false;  ///< the last byte of the answer was sent
  bool discards = false;  ///< nobody wants the body any more
  bool continue_wanted = false;
  bool grpc = false;
  bool connect = false;  ///< an extended CONNECT: only an answer with `upgrade` may be 2xx
  bool tunnel = false;   ///< it has begun; its idle time is its own affair
  std::optional<Error> failure;

  // the request body
  Buffer incoming;
  Buffer reading;  ///< what the last piece points into
  std::uint64_t received = 0;
  std::uint64_t body_limit = 0;
  Headers trailers_in;
  runtime::Event readable;
  bool waits_for_body = false;
  BodySource* source = nullptr;

  // the response body
  std::size_t sent = 0;  ///< of a whole body or a file
  Buffer outgoing;       ///< of a stream
  bool streams = false;
  bool out_done = false;
  Headers trailers_out;
  runtime::Event drained;
  TimePoint quiet_since;  ///< no progress since
};

}  // namespace yun::http::server
