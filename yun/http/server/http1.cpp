#include "yun/http/server/http1.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "yun/base/strings.hpp"

namespace yun::http::server {

namespace {
constexpr std::size_t kReadHead = 8 << 10;
constexpr std::size_t kReadBody = 32 << 10;
constexpr std::size_t kFlushAt = 64 << 10;
constexpr std::size_t kCopyBody = 32 << 10;  // a larger body is written from where it lies

Error client_gone() { return unavailable("the client is gone").with_reason("client_closed"); }

bool is_grpc(const Request& request) { return request.headers.get("content-type").value_or("").starts_with("application/grpc"); }

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }
}  // namespace

/// What a handler reads; it may outlive the exchange, then it has nothing to give.
class Http1::RequestBody final : public BodySource {
 public:
  explicit RequestBody(Http1& owner) : owner_(&owner) { owner.source_ = this; }
  ~RequestBody() override {
    if (owner_) owner_->source_ = nullptr;
  }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override {
    if (owner_) return owner_->next_piece(ctx);
    return gone();
  }
  const Headers* trailers() const override { return owner_ ? &owner_->chunks_.trailers() : nullptr; }
  void abandon() override {
    if (owner_ && owner_->unread()) owner_->body_state_ = BodyState::Broken;
  }
  void forget() { owner_ = nullptr; }

 private:
  static Task<Result<std::optional<std::string_view>>> gone() { co_return cancelled("the request of this body is over"); }
  Http1* owner_;
};

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

Http1::Http1(Link& link) : link_(link), parser_(link.shard.options.head) {
  link_.protocol = this;
  request_.peer = link.transport->peer();
  request_.tls = link.transport->is_tls();
  request_.scheme = request_.tls ? "https" : "http";
}

Http1::~Http1() {
  link_.protocol = nullptr;
  if (source_) source_->forget();
}

void Http1::drain() {
  if (link_.waits() == Waits::Idle) link_.wait.cancel(cancelled("the server drains"));
}

Task<void> Http1::run() {
  for (;;) {
    switch (parser_.parse(link_.in.view(), request_)) {
      case codec1::RequestParser::State::NeedMore: {
        if (link_.try_flush() != runtime::Io::State::Done) {
          auto flushed = co_await link_.flush(link_.life);
          if (!flushed) co_return;
        }
        const runtime::Io io = link_.fill(kReadHead);
        if (io.state == runtime::Io::State::Done) continue;
        if (io.state != runtime::Io::State::WouldBlock) co_return;
        if (parser_.started()) {
          if (link_.waits() != Waits::Head) link_.expect(Waits::Head, link_.shard.options.header_timeout);
        } else if (requests_ > 0) {
          if (link_.wants_to_go()) co_return;
          link_.expect(Waits::Idle, link_.shard.options.idle_timeout);
        }
        auto ready = co_await link_.transport->watch().ready(link_.wait, link_.transport->wanted(runtime::Interest::Read));
        if (ready) continue;
        // Too slow, or told to go. What came at the last moment is still served.
        if (link_.life.done()) co_return;
        if (link_.expired() == Waits::Head || (link_.expired() == Waits::FirstByte && parser_.started())) {
          static constexpr codec1::ParseError kTimeout{408, "header_timeout", "the request head did not come in time"};
          refuse(kTimeout);
          (void)co_await link_.close_gently();  // gives nothing
          co_return;
        }
        if (link_.fill(kReadHead).state != runtime::Io::State::Done) co_return;
        continue;
      }
      case codec1::RequestParser::State::Failed: {
        if (requests_ == 0 && parser_.error().reason == "not_http") {  // an answer would mean nothing to it
          link_.shard.shared.refused(0, parser_.error().reason);
          co_return;
        }
        refuse(parser_.error());
        (void)co_await link_.close_gently();  // gives nothing
        co_return;
      }
      case codec1::RequestParser::State::Done: break;
    }
    link_.in.consume(parser_.consumed());
    link_.expect_nothing();
    framing_ = parser_.framing();
    parser_.reset();
    ++requests_;

    Verdict verdict = begin_exchange();
    if (verdict == Verdict::Waits) {
      const bool goes_on = co_await answer();
      verdict = goes_on ? Verdict::Sent : Verdict::Close;
    } else if (verdict == Verdict::Sent) {
      if (link_.in.empty() || link_.out.size() >= kFlushAt || !keep_) {
        Result<void> flushed;
        if (link_.try_flush() != runtime::Io::State::Done) flushed = co_await link_.flush(link_.life);
        finish(flushed ? nullptr : &flushed.error());
        if (!flushed) co_return;
      } else {
        finish(nullptr);
      }
      if (!keep_) verdict = Verdict::Close;
    }
    if (verdict == Verdict::Close) {
      (void)co_await link_.close_gently();  // gives nothing
      co_return;
    }
    codec1::clear(request_);
    codec1::clear(response_);
  }
}

/// Calls the handler if it can be called at once. Sent: the whole answer is in `out`, finish() is due. Waits: answer() goes on.
Http1::Verdict Http1::begin_exchange() {
  const ServerOptions& options = link_.shard.options;
  started_ = Clock::now();
  outcome_ = {};
  keep_ = framing_.keep_alive;
  head_sent_ = must_drop_ = false;
  piece_size_ = 0;
  body_state_ = BodyState::None;
  continue_wanted_ = false;
  const bool grpc = is_grpc(request_);
  if (grpc) {
    context_.emplace(link_.life);
  } else {
    context_.emplace(link_.life, started_ + options.request_timeout);
  }
  if (framing_.has_body()) {
    body_state_ = BodyState::Reading;
    body_limit_ = grpc ? ~std::uint64_t{0} : options.max_body;
    body_left_ = framing_.content_length.value_or(0);
    continue_wanted_ = framing_.expect_continue;
    chunks_.reset();
    if (body_left_ > body_limit_) {
      static constexpr codec1::ParseError kTooLarge{413, "body_too_large", "the request body is too large"};
      refuse(kTooLarge);
      return Verdict::Close;
    }
    const bool small = !framing_.chunked && !continue_wanted_ && body_left_ <= options.buffered_body;
    if (!small) {
      request_.body = Body(std::unique_ptr<BodySource>(new RequestBody(*this)));
    } else if (link_.in.size() < body_left_) {
      return Verdict::Waits;
    } else {
      const auto size = static_cast<std::size_t>(body_left_);
      request_.body.assign(link_.in.view().substr(0, size));
      link_.in.consume(size);
      outcome_.bytes_received = size;
      body_state_ = BodyState::Done;
    }
  }
  if (body_state_ == BodyState::Reading) return Verdict::Waits;
  Task<void> task;
  try {
    task = link_.shard.shared.handler.handle(*context_, request_, response_);
  } catch (...) {
    crashed(std::current_exception());
  }
  if (task) {
    pending_ = std::move(task);
    return Verdict::Waits;
  }
  return answer_whole() ? Verdict::Sent : Verdict::Waits;
}

Task<bool> Http1::read_small_body() {
  const auto size = static_cast<std::size_t>(body_left_);
  if (link_.try_flush() != runtime::Io::State::Done) {
    auto flushed = co_await link_.flush(link_.life);
    if (!flushed) co_return false;
  }
  while (link_.in.size() < size) {
    const runtime::Io io = link_.fill(std::max(size - link_.in.size(), kReadHead));
    if (io.state == runtime::Io::State::Done) continue;
    if (io.state != runtime::Io::State::WouldBlock) co_return false;
    link_.expect(Waits::Body, link_.shard.options.body_timeout);
    auto ready = co_await link_.transport->watch().ready(link_.life, link_.transport->wanted(runtime::Interest::Read));
    if (ready) continue;
    if (link_.expired() == Waits::Body) {
      static constexpr codec1::ParseError kTimeout{408, "body_timeout", "the request body did not come in time"};
      refuse(kTimeout);
      (void)link_.try_flush();
    }
    co_return false;
  }
  link_.expect_nothing();
  request_.body.assign(link_.in.view().substr(0, size));
  link_.in.consume(size);
  outcome_.bytes_received = size;
  body_state_ = BodyState::Done;
  co_return true;
}

/// The slow way: a body that is not here yet, a handler that waits, an answer that streams. False: close.
Task<bool> Http1::answer() {
  bool handled = body_state_ == BodyState::None || body_state_ == BodyState::Done;
  if (!handled) {
    if (request_.body.is_whole()) {
      const bool read = co_await read_small_body();
      if (!read) co_return false;
      // The deadline is for the handler: it begins when the handler can.
      if (!is_grpc(request_)) context_.emplace(link_.life, Clock::now() + link_.shard.options.request_timeout);
    }
    try {
      pending_ = link_.shard.shared.handler.handle(*context_, request_, response_);
    } catch (...) {
      crashed(std::current_exception());
    }
  }
  if (pending_) {
    if (link_.try_flush() == runtime::Io::State::WouldBlock) {
      (void)co_await link_.flush(link_.life);  // a failure shows at the next write
    }
    link_.watch_for_failure = true;
    Task<void> task = std::move(pending_);
    pending_ = {};
    std::exception_ptr exception;
    try {
      (void)co_await std::move(task);  // gives nothing
    } catch (...) {
      exception = std::current_exception();
    }
    if (exception) crashed(exception);
  }
  Result<void> sent;
  if (answer_whole()) {
    if (link_.try_flush() != runtime::Io::State::Done) sent = co_await link_.flush(link_.life);
  } else {
    std::exception_ptr exception;
    try {
      sent = co_await answer_body();
    } catch (...) {
      exception = std::current_exception();
    }
    if (exception) {
      link_.shard.shared.unhandled(exception);
      sent = internal_error("an exception while answering").with_reason("handler_exception");
    }
  }
  link_.watch_for_failure = false;
  link_.expect_nothing();
  finish(sent ? nullptr : &sent.error());
  if (!sent || !keep_) co_return false;
  if (must_drop_) {
    const bool dropped = co_await drop_unread_body();
    co_return dropped;
  }
  co_return true;
}

void Http1::finish(const Error* error) {
  outcome_.duration = Clock::now() - started_;
  outcome_.error = error;
  if (source_) source_->forget();
  source_ = nullptr;
  link_.in.consume(std::exchange(piece_size_, 0));
  link_.shard.shared.handler.finished(*context_, request_, response_, outcome_);
  context_.reset();
}

// ---- answers ----

bool Http1::has_answer_body() const { return request_.method != Method::Head && status_has_body(response_.status); }

/// Sets keep_ and must_drop_ from all that has a say.
bool Http1::decide_keep_alive() {
  const ServerOptions& options = link_.shard.options;
  if (link_.wants_to_go()) keep_ = false;
  if (options.max_requests_per_connection > 0 && requests_ >= options.max_requests_per_connection) keep_ = false;
  if (body_state_ == BodyState::Broken) keep_ = false;
  if (unread() && !response_.stream && response_.body.is_whole()) {
    // A client that waits for 100 may or may not send its body now: only closing is safe.
    if (continue_wanted_ || (!framing_.chunked && body_left_ > options.drain_body)) keep_ = false;
    must_drop_ = keep_;
  }
  if (const auto connection = response_.headers.get("connection"); connection && *connection == "close") keep_ = false;
  return keep_;
}

void Http1::write_head(HeadFraming framing) {
  using Connection = HeadFraming::Connection;
  if (framing.connection == Connection::Default) {
    if (!keep_) framing.connection = Connection::Close;
    if (keep_ && request_.version == Version::Http10) framing.connection = Connection::KeepAlive;
  }
  codec1::write_response_head(link_.out, response_, framing, codec1::date(link_.shard.loop.now()));
  head_sent_ = true;
}

/// Appends head and body if the body is in hand and small. False: answer_body() does it.
bool Http1::answer_whole() {
  if (response_.upgrade || response_.stream || response_.file || !response_.body.is_whole()) return false;
  const std::string_view body = response_.body.bytes();
  if (body.size() > kCopyBody) return false;
  decide_keep_alive();
  HeadFraming framing;
  const bool trailers = !response_.trailers.empty() && request_.version == Version::Http11 && has_answer_body();
  if (trailers) {
    framing.chunked = true;
  } else if (status_has_body(response_.status)) {
    framing.content_length = body.size();
    if (body.empty() && request_.method == Method::Head) {
      // A handler that knows the length of what GET would give may say so.
      const auto said = response_.headers.get("content-length");
      const auto length = said ? parse_u64(*said) : std::nullopt;
      if (length) framing.content_length = length;
    }
  }
  write_head(framing);
  if (!has_answer_body()) return true;
  if (trailers) {
    codec1::write_chunk(link_.out, body);
    codec1::write_last_chunk(link_.out, response_.trailers);
  } else {
    link_.out.append(body);
  }
  outcome_.bytes_sent = body.size();
  return true;
}

Task<Result<void>> Http1::answer_body() {
  if (response_.upgrade && response_.status == 101) {
    keep_ = false;
    HeadFraming framing;
    framing.connection = HeadFraming::Connection::Upgrade;
    write_head(framing);
    YUN_CHECK(co_await link_.flush(link_.life));
    context_->lift_deadline();
    std::string already(link_.in.view());
    link_.in.clear();
    link_.expect_nothing();
    const auto upgrade = std::move(response_.upgrade);
    response_.upgrade = nullptr;
    Task<void> task = upgrade(*context_, *link_.transport, std::move(already));
    (void)co_await std::move(task);  // gives nothing
    co_return Result<void>();
  }
  decide_keep_alive();
  if (response_.file) {
    const FileBody file = *response_.file;
    HeadFraming framing;
    framing.content_length = file.size;
    write_head(framing);
    YUN_CHECK(co_await link_.flush(link_.life));
    if (!has_answer_body()) co_return Result<void>();
    auto sent = co_await send_file(*file.file, file.offset, file.size);
    if (!sent) keep_ = false;
    co_return sent;
  }
  if (!response_.stream && response_.body.is_whole()) {
    HeadFraming framing;
    framing.content_length = response_.body.bytes().size();
    write_head(framing);
    YUN_CHECK(co_await link_.flush(link_.life));
    if (!has_answer_body()) co_return Result<void>();
    std::string_view rest = response_.body.bytes();
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
  if (const auto said = response_.headers.get("content-length")) length = parse_u64(*said);
  const bool body = has_answer_body();
  const bool chunked = body && !length && request_.version == Version::Http11;
  if (body && !length && !chunked) keep_ = false;
  HeadFraming framing;
  if (status_has_body(response_.status)) framing.content_length = length;
  framing.chunked = chunked;
  write_head(framing);
  if (!body) {
    response_.body.abandon();
    co_return Result<void>();
  }
  context_->lift_deadline();
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
  if (response_.stream) {
    Result<void> produced;
    std::exception_ptr exception;
    try {
      produced = co_await response_.stream->produce(*context_, out);
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
      auto piece = co_await response_.body.next(*context_);
      if (!piece) co_return std::move(piece).error();
      if (!*piece) break;
      const std::string_view bytes = **piece;
      YUN_CHECK(co_await out.write(*context_, bytes));
    }
  }
  if (!out.complete()) co_return internal_error("a response body shorter than its content-length").with_reason("short_body");
  if (chunked) {
    const bool wanted = request_.headers.get("te").value_or("").find("trailers") != std::string_view::npos;
    const Headers* from_body = response_.body.trailers();
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

/// What the server itself answers to what is no request for a handler. The connection closes behind it.
void Http1::refuse(const codec1::ParseError& error) {
  link_.shard.shared.refused(error.status, error.reason);
  Cancel none;
  Context ctx(none);
  Error why(code_from_http(error.status), std::string(error.detail));
  response_ = problem(ctx, std::move(why).with_http_status(error.status).with_reason(std::string(error.reason)));
  keep_ = false;
  HeadFraming framing;
  framing.content_length = response_.body.bytes().size();
  write_head(framing);
  link_.out.append(response_.body.bytes());
}

void Http1::crashed(std::exception_ptr exception) {
  link_.shard.shared.unhandled(exception);
  codec1::clear(response_);
  response_ = problem(*context_, internal_error("exception").with_reason("handler_exception"));
}

// ---- request bodies ----

/// A piece from what is buffered; nullopt at the end, or with body_state_ still Reading when more must be read.
Result<std::optional<std::string_view>> Http1::take_piece() {
  link_.in.consume(std::exchange(piece_size_, 0));
  if (framing_.chunked) {
    for (;;) {
      const auto step = chunks_.decode(link_.in.view());
      using State = codec1::ChunkedDecoder::Step::State;
      if (step.state == State::Failed) {
        body_state_ = BodyState::Broken;
        const codec1::ParseError& error = chunks_.error();
        return Error(code_from_http(error.status), std::string(error.detail)).with_http_status(error.status).with_reason(std::string(error.reason));
      }
      if (step.state == State::Data) {
        outcome_.bytes_received += step.data.size();
        if (outcome_.bytes_received > body_limit_) {
          body_state_ = BodyState::Broken;
          return resource_exhausted("the request body is too large").with_http_status(413).with_reason("body_too_large");
        }
        piece_size_ = step.consumed;
        return std::optional<std::string_view>(step.data);
      }
      link_.in.consume(step.consumed);
      if (step.state == State::Done) body_state_ = BodyState::Done;
      return std::optional<std::string_view>();
    }
  }
  if (body_left_ == 0) {
    body_state_ = BodyState::Done;
    return std::optional<std::string_view>();
  }
  if (link_.in.empty()) return std::optional<std::string_view>();
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, link_.in.size()));
  body_left_ -= size;
  outcome_.bytes_received += size;
  piece_size_ = size;
  return std::optional<std::string_view>(link_.in.view().substr(0, size));
}

Task<Result<std::optional<std::string_view>>> Http1::next_piece(Context& ctx) {
  if (body_state_ == BodyState::Done || body_state_ == BodyState::None) {
    link_.in.consume(std::exchange(piece_size_, 0));
    co_return std::optional<std::string_view>();
  }
  for (;;) {
    if (body_state_ == BodyState::Broken) co_return cancelled("the request body is broken off").with_reason("client_closed");
    auto piece = take_piece();
    if (piece && *piece) continue_wanted_ = false;
    if (!piece || *piece || body_state_ == BodyState::Done) co_return piece;
    if (std::exchange(continue_wanted_, false) && !head_sent_) {
      link_.out.append("HTTP/1.1 100 Continue\r\n\r\n");
      YUN_CHECK(co_await link_.flush(ctx));
    }
    const runtime::Io io = link_.fill(kReadBody);
    if (io.state == runtime::Io::State::Done) continue;
    if (io.state != runtime::Io::State::WouldBlock) {
      body_state_ = BodyState::Broken;
      continue;
    }
    const Waits before = link_.waits();
    link_.expect(Waits::Body, link_.shard.options.body_timeout);
    auto ready = co_await link_.transport->watch().ready(ctx, link_.transport->wanted(runtime::Interest::Read));
    if (link_.waits() == Waits::Body) {
      if (before == Waits::Stream) {
        link_.expect(Waits::Stream, link_.shard.options.stream_idle_timeout);
      } else {
        link_.expect_nothing();
      }
    }
    if (!ready) {
      if (link_.life.done()) body_state_ = BodyState::Broken;
      co_return std::move(ready).error();
    }
  }
}

Task<bool> Http1::drop_unread_body() {
  const std::uint64_t limit = outcome_.bytes_received + link_.shard.options.drain_body;
  for (;;) {
    auto piece = take_piece();
    if (!piece) co_return false;
    if (body_state_ == BodyState::Done) co_return true;
    if (outcome_.bytes_received > limit) co_return false;
    if (*piece) continue;
    const runtime::Io io = link_.fill(kReadBody);
    if (io.state == runtime::Io::State::Done) continue;
    if (io.state != runtime::Io::State::WouldBlock) co_return false;
    link_.expect(Waits::Body, link_.shard.options.body_timeout);
    auto ready = co_await link_.transport->watch().ready(link_.life, link_.transport->wanted(runtime::Interest::Read));
    if (!ready) co_return false;
    link_.expect_nothing();
  }
}

Task<void> serve_http1(Link& link) {
  Http1 connection(link);
  (void)co_await connection.run();  // gives nothing
}

}  // namespace yun::http::server
