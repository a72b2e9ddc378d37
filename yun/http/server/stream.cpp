#include "yun/http/server/stream.hpp"

#include "yun/http/codec1/writer.hpp"

namespace yun::http::server {

void Stream::forget() {
  id = 0;
  builder.reset();
  codec1::clear(request);
  codec1::clear(response);
  context.reset();
  outcome = {};
  head_complete = pending = buffering = first_awaited = dispatched = ended = closed = false;
  busy = head_sent = answered = discards = continue_wanted = grpc = false;
  failure.reset();
  incoming.clear();
  reading.clear();
  incoming.shrink(4 << 10);
  reading.shrink(4 << 10);
  received = body_limit = 0;
  trailers_in.clear();
  readable.reset();
  waits_for_body = false;
  sent = 0;
  outgoing.clear();
  outgoing.shrink(4 << 10);
  streams = out_done = false;
  trailers_out.clear();
  drained.reset();
}

}  // namespace yun::http::server
