#pragma once
// Exchange: what an HTTP/1 connection needs from the first byte of a request to the last of its answer. Internal to the server.
//
// A connection that waits for a request has none: they are the shard's, which lends the one used last, that lies in the core's cache still.

#include <optional>

#include "yun/http/server/options.hpp"
#include "yun/observe/context.hpp"

namespace yun::http::server {

struct Exchange {
  std::uint64_t link = 0;  ///< the number of the link that used it last, whose peer is in `request`
  Request request;
  Response response;
  std::optional<Context> context;
};

}  // namespace yun::http::server
