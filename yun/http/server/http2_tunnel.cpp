// Http2's tunnels: a stream after 200 to an extended CONNECT (RFC 8441) as bytes both ways, in DATA frames.

#include <algorithm>

#include "yun/http/problem.hpp"
#include "yun/http/server/http2.hpp"
#include "yun/http/tunnel.hpp"

namespace yun::http::server {

class Http2::StreamTunnel final : public Tunnel {
 public:
  StreamTunnel(Http2& owner, Stream& stream) : owner_(owner), stream_(stream) {}

  Task<Result<std::size_t>> read(Cancel& cancel, std::span<char> into) override {
    while (piece_.empty()) {
      auto next = co_await owner_.next_piece(stream_, cancel);
      if (!next) co_return std::move(next).error();
      if (!*next) co_return std::size_t{0};
      piece_ = **next;
    }
    const std::size_t count = piece_.copy(into.data(), into.size());
    piece_.remove_prefix(count);
    co_return count;
  }
  Task<Result<void>> write_all(Cancel& cancel, std::string_view bytes) override { return owner_.write_stream(stream_, cancel, bytes); }

 private:
  Http2& owner_;
  Stream& stream_;
  std::string_view piece_;  ///< of stream_.reading
};

Task<Result<void>> Http2::run_tunnel(Stream& stream) {
  StreamTunnel tunnel(*this, stream);
  const auto upgrade = std::move(stream.response.upgrade);
  stream.response.upgrade = nullptr;
  std::exception_ptr exception;
  try {
    Task<void> task = upgrade(*stream.context, tunnel);
    (void)co_await std::move(task);  // gives nothing
  } catch (...) {
    exception = std::current_exception();
  }
  stream.discards = true;
  if (!exception) co_return Result<void>();
  link_.shard.shared.unhandled(exception);
  co_return internal_error("an exception in an upgraded stream").with_reason("handler_exception");
}

/// A 2xx without a tunnel would tell the client that there is one.
void Http2::check_tunnel(Stream& stream) {
  Response& response = stream.response;
  if (!stream.connect || response.upgrade || response.status < 200 || response.status > 299) return;
  codec1::clear(response);
  response = problem(*stream.context, unimplemented("this is no websocket").with_reason("connect_refused"));
}

}  // namespace yun::http::server
