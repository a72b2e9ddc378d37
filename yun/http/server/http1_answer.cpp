// What leaves an HTTP/1 connection: the head, a body in hand, a file, a stream.

#include "yun/http/server/http1.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "yun/base/strings.hpp"
#include "yun/http/tunnel.hpp"

namespace yun::http::server {

namespace {
constexpr std::size_t kCopyBody = 32 << 10;  // a larger body is written from where it lies

Error client_gone() { return unavailable("the client is gone").with_reason("client_closed"); }

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }
}  // namespace

/// What a producer writes to.
class Http1::ResponseBody final : public BodyWriter {
 public:
  ResponseBody(Http1& owner, bool chunked, std::optional<std::uint64_t> left) : owner_(owner), chunked_(chunked), left_(left) {}

  Task<Result<void>> write(Context& ctx, std::string_view bytes) override {
    if (bytes.empty() || !owner_.has_answer_body()) co_return ctx.check();
    if (left_) {
      if (bytes.size() > *left_) co_return internal_error("a response body longer than its content-length");
      *left_ -= bytes.size();
    }
    Link& link = owner_.link_;
    if (chunked_) {
      codec1::write_chunk(link.out, bytes);
    } else {
      link.out.append(bytes);
    }
    owner_.outcome_.bytes_sent += bytes.size();
    auto flushed = co_await link.flush(ctx);
    if (flushed) link.expect(Waits::Stream, link.shard.options.stream_idle_timeout);
    co_return flushed;
  }
  void set_trailer(std::string_view name, std::string_view value) override { trailers_.set(name, value); }

  const Headers& trailers() const { return trailers_; }
  bool complete() const { return !left_ || *left_ == 0; }

 private:
  Http1& owner_;
  bool chunked_;
  std::optional<std::uint64_t> left_;
  Headers trailers_;
};

bool Http1::has_answer_body() const { return exchange_->request.method != Method::Head && status_has_body(exchange_->response.status); }

/// Sets keep_ and must_drop_ from all that has a say.
bool Http1::decide_keep_alive() {
  const ServerOptions& options = link_.shard.options;
  if (link_.wants_to_go()) keep_ = false;
  if (options.max_requests_per_connection > 0 && requests_ >= options.max_requests_per_connection) keep_ = false;
  if (body_state_ == BodyState::Broken) keep_ = false;
  if (unread() && !exchange_->response.stream && exchange_->response.body.is_whole()) {
    // A client that waits for 100 may or may not send its body now: only closing is safe.
    if (continue_wanted_ || (!framing_.chunked && body_left_ > options.drain_body)) keep_ = false;
    must_drop_ = keep_;
  }
  if (const auto connection = exchange_->response.headers.get("connection"); connection && *connection == "close") keep_ = false;
  return keep_;
}

void Http1::write_head(HeadFraming framing) {
  using Connection = HeadFraming::Connection;
  if (framing.connection == Connection::Default) {
    if (!keep_) framing.connection = Connection::Close;
    if (keep_ && exchange_->request.version == Version::Http10) framing.connection = Connection::KeepAlive;
  }
  codec1::write_response_head(link_.out, exchange_->response, framing, codec1::date(link_.shard.loop.now()));
  head_sent_ = true;
}

/// Appends head and body if the body is in hand and small. False: answer_body() does it.
bool Http1::answer_whole() {
  const Response& response = exchange_->response;
  if (response.upgrade || response.stream || (response.file && !response.file->bytes) || !response.body.is_whole()) return false;
  std::string_view body = response.body.bytes();
  if (response.file) body = std::string_view(*response.file->bytes).substr(response.file->offset, response.file->size);
  if (body.size() > kCopyBody) return false;
  decide_keep_alive();
  HeadFraming framing;
  const bool trailers = !exchange_->response.trailers.empty() && exchange_->request.version == Version::Http11 && has_answer_body();
  if (trailers) {
    framing.chunked = true;
  } else if (status_has_body(exchange_->response.status)) {
    framing.content_length = body.size();
    if (body.empty() && exchange_->request.method == Method::Head) {
      // A handler that knows the length of what GET would give may say so.
      const auto said = exchange_->response.headers.get("content-length");
      const auto length = said ? parse_u64(*said) : std::nullopt;
      if (length) framing.content_length = length;
    }
  }
  write_head(framing);
  if (!has_answer_body()) return true;
  if (trailers) {
    codec1::write_chunk(link_.out, body);
    codec1::write_last_chunk(link_.out, exchange_->response.trailers);
  } else {
    link_.out.append(body);
  }
  outcome_.bytes_sent = body.size();
  return true;
}

Task<Result<void>> Http1::answer_body() {
  if (exchange_->response.upgrade && exchange_->response.status == 101) {
    keep_ = false;
    HeadFraming framing;
    framing.connection = HeadFraming::Connection::Upgrade;
    write_head(framing);
    YUN_CHECK(co_await link_.flush(link_.life));
    exchange_->context->lift_deadline();
    TransportTunnel tunnel(*link_.transport, std::string(link_.in.view()));
    link_.in.clear();
    link_.expect_nothing();
    const auto upgrade = std::move(exchange_->response.upgrade);
    exchange_->response.upgrade = nullptr;
    Task<void> task = upgrade(*exchange_->context, tunnel);
    (void)co_await std::move(task);  // gives nothing
    co_return Result<void>();
  }
  decide_keep_alive();
  if (exchange_->response.file) {
    const FileBody file = *exchange_->response.file;
    HeadFraming framing;
    framing.content_length = file.size;
    write_head(framing);
    if (has_answer_body() && file.size > 0) {
      const runtime::Io io = link_.transport->try_write_before_more(link_.out.view());
      if (io.state == runtime::Io::State::Done) link_.out.consume(io.bytes);
    }
    YUN_CHECK(co_await link_.flush(link_.life));
    if (!has_answer_body()) co_return Result<void>();
    auto sent = co_await send_file(*file.file, file.offset, file.size);
    if (!sent) keep_ = false;
    co_return sent;
  }
  if (!exchange_->response.stream && exchange_->response.body.is_whole()) {
    HeadFraming framing;
    framing.content_length = exchange_->response.body.bytes().size();
    write_head(framing);
    YUN_CHECK(co_await link_.flush(link_.life));
    if (!has_answer_body()) co_return Result<void>();
    std::string_view rest = exchange_->response.body.bytes();
    while (!rest.empty()) {
      const std::string_view piece = rest.substr(0, kFlushAt);
      link_.expect(Waits::Write, link_.shard.options.stream_idle_timeout);
      YUN_CHECK(co_await link_.transport->write_all(link_.life, piece));
      rest.remove_prefix(piece.size());
      outcome_.bytes_sent += piece.size();
    }
    co_return Result<void>();
  }
  std::optional<std::uint64_t> length;
  if (const auto said = exchange_->response.headers.get("content-length")) length = parse_u64(*said);
  const bool body = has_answer_body();
  const bool chunked = body && !length && exchange_->request.version == Version::Http11;
  if (body && !length && !chunked) keep_ = false;
  HeadFraming framing;
  if (status_has_body(exchange_->response.status)) framing.content_length = length;
  framing.chunked = chunked;
  write_head(framing);
  if (!body) {
    exchange_->response.body.abandon();
    co_return Result<void>();
  }
  exchange_->context->lift_deadline();
  auto sent = co_await send_stream(chunked, length);
  if (!sent) keep_ = false;
  // A producer may have read the request body to its end by now, or not.
  if (unread()) {
    if (continue_wanted_ || (!framing_.chunked && body_left_ > link_.shard.options.drain_body)) keep_ = false;
    must_drop_ = keep_;
  }
  if (body_state_ == BodyState::Broken) keep_ = false;
  co_return sent;
}

Task<Result<void>> Http1::send_stream(bool chunked, std::optional<std::uint64_t> length) {
  ResponseBody out(*this, chunked, length);
  link_.watch_for_failure = true;
  YUN_CHECK(co_await link_.flush(link_.life));
  link_.expect(Waits::Stream, link_.shard.options.stream_idle_timeout);
  if (exchange_->response.stream) {
    Result<void> produced;
    std::exception_ptr exception;
    try {
      produced = co_await exchange_->response.stream->produce(*exchange_->context, out);
    } catch (...) {
      exception = std::current_exception();
    }
    if (exception) {
      link_.shard.shared.unhandled(exception);
      co_return internal_error("an exception in a streamed response").with_reason("handler_exception");
    }
    if (!produced) co_return produced;
  } else {
    for (;;) {
      auto piece = co_await exchange_->response.body.next(*exchange_->context);
      if (!piece) co_return std::move(piece).error();
      if (!*piece) break;
      const std::string_view bytes = **piece;
      YUN_CHECK(co_await out.write(*exchange_->context, bytes));
    }
  }
  if (!out.complete()) co_return internal_error("a response body shorter than its content-length").with_reason("short_body");
  if (chunked) {
    const bool wanted = exchange_->request.headers.get("te").value_or("").find("trailers") != std::string_view::npos;
    const Headers* from_body = exchange_->response.body.trailers();
    const Headers none;
    const Headers& trailers = !out.trailers().empty() || !from_body ? out.trailers() : *from_body;
    codec1::write_last_chunk(link_.out, wanted ? trailers : none);
  }
  YUN_CHECK(co_await link_.flush(link_.life));
  co_return Result<void>();
}

Task<Result<void>> Http1::send_file(runtime::Fd const& file, std::uint64_t offset, std::uint64_t size) {
  bool by_kernel = true;
  while (size > 0) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(size, 1 << 20));
    std::size_t moved = 0;
    if (by_kernel) {
      const runtime::Io io = link_.transport->try_send_file(file.get(), offset, step);
      if (io.state == runtime::Io::State::WouldBlock) {
        link_.expect(Waits::Write, link_.shard.options.stream_idle_timeout);
        YUN_CHECK(co_await link_.transport->watch().ready(link_.life, link_.transport->wanted(runtime::Interest::Write)));
        continue;
      }
      if (io.state == runtime::Io::State::Failed && (io.error == EOPNOTSUPP || io.error == EINVAL)) {
        by_kernel = false;
        continue;
      }
      if (io.state != runtime::Io::State::Done) co_return client_gone();
      moved = io.bytes;
    } else {
      const std::span<char> into = link_.out.prepare(kFlushAt);
      const ssize_t count = ::pread(file.get(), into.data(), std::min({into.size(), step, kFlushAt}), static_cast<off_t>(offset));
      if (count <= 0) co_return internal_error("the file became shorter while it was sent");
      moved = static_cast<std::size_t>(count);
      link_.out.commit(moved);
      YUN_CHECK(co_await link_.flush(link_.life));
    }
    offset += moved;
    size -= moved;
    outcome_.bytes_sent += moved;
  }
  co_return Result<void>();
}

}  // namespace yun::http::server
