#include "yun/http/server/stream.hpp"

#include "yun/http/codec1/writer.hpp"

namespace yun::http::server {

namespace {
constexpr std::size_t kKeep = 4 << 10;  // of each buffer's memory, for the next stream
}

void Stream::forget() {
  id = 0;
  builder.reset();
  request.body.reset(kKeep);
  response.body.reset(kKeep);
  codec1::clear(request);
  codec1::clear(response);
  context.reset();
  outcome = {};
  head_complete = pending = buffering = first_awaited = dispatched = ended = closed = false;
  busy = head_sent = answered = discards = continue_wanted = grpc = connect = tunnel = false;
  failure.reset();
  incoming.clear();
  reading.clear();
  incoming.shrink(kKeep);
  reading.shrink(kKeep);
  received = body_limit = 0;
  trailers_in.clear();
  readable.reset();
  waits_for_body = false;
  sent = 0;
  outgoing.clear();
  outgoing.shrink(kKeep);
  streams = out_done = false;
  trailers_out.clear();
  drained.reset();
}

}  // namespace yun::http::server
