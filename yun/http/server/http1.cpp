#include "yun/http/server/http1.hpp"

#include "yun/http/problem.hpp"

namespace yun::http::server {

using runtime::Phase;

namespace {
bool is_grpc(const Request& request) { return request.headers.get("content-type").value_or("").starts_with("application/grpc"); }
}  // namespace

Http1::Http1(Link& link) : link_(link), parser_(link.shard.options.head) {
  link_.protocol = this;
}

Http1::~Http1() {
  link_.protocol = nullptr;
  forget_source();
  if (!exchange_ || exchange_->context) return;
  codec1::clear(exchange_->request);
  codec1::clear(exchange_->response);
  link_.shard.give_back(std::move(exchange_));
}

void Http1::drain() {
  if (link_.waits() == Waits::Idle) link_.wait.cancel(cancelled("the server drains"));
}

void Http1::begin_work() {
  if (exchange_) return;
  exchange_ = link_.shard.take_exchange();
  link_.borrow_out();
  if (exchange_->link == link_.number) return;
  exchange_->link = link_.number;
  Request& request = exchange_->request;
  request.peer = link_.transport->peer();
  request.tls = link_.transport->is_tls();
  request.scheme = request.tls ? "https" : "http";
}

/// Between two requests: others can use what this one would only hold.
void Http1::rest() {
  if (!exchange_ || parser_.started() || !link_.in.empty() || !link_.out.empty()) return;
  link_.shard.give_back(std::move(exchange_));
  link_.return_out();
}

Task<void> Http1::run() {
  using State = codec1::RequestParser::State;
  for (;;) {
    State state = State::NeedMore;
    if (!link_.in.empty()) {
      begin_work();
      state = parser_.parse(link_.in.view(), exchange_->request);
    }
    switch (state) {
      case State::NeedMore: {
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
          // One past its age only is told at its next request: it was promised to be kept, and that request may be on its way.
          if (link_.shard.shared.draining.load(std::memory_order_relaxed)) co_return;
          link_.expect(Waits::Idle, link_.shard.options.idle_timeout);
        }
        rest();
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
      case State::Failed: {
        if (requests_ == 0 && parser_.error().reason == "not_http") {  // an answer would mean nothing to it
          link_.shard.shared.refused(0, parser_.error().reason);
          co_return;
        }
        refuse(parser_.error());
        (void)co_await link_.close_gently();  // gives nothing
        co_return;
      }
      case State::Done: break;
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
        finish(flushed ? nullptr : &flushed.error(), link_.shard.loop.tick());
        if (!flushed) co_return;
      } else {
        finish(nullptr, link_.shard.loop.tick());
      }
      if (!keep_) verdict = Verdict::Close;
    }
    if (verdict == Verdict::Close) {
      (void)co_await link_.close_gently();  // gives nothing
      co_return;
    }
    codec1::clear(exchange_->request);
    codec1::clear(exchange_->response);
  }
}

/// Calls the handler if it can be called at once. Sent: the whole answer is in `out`, finish() is due. Waits: answer() goes on.
Http1::Verdict Http1::begin_exchange() {
  const ServerOptions& options = link_.shard.options;
  started_ = link_.shard.loop.tick();
  outcome_ = {};
  keep_ = framing_.keep_alive;
  head_sent_ = must_drop_ = false;
  piece_size_ = 0;
  body_state_ = BodyState::None;
  continue_wanted_ = false;
  const bool grpc = is_grpc(exchange_->request);
  if (grpc) {
    exchange_->context.emplace(link_.life);
  } else {
    exchange_->context.emplace(link_.life, started_ + options.request_timeout);
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
      exchange_->request.body = Body(open_source());
    } else if (link_.in.size() < body_left_) {
      return Verdict::Waits;
    } else {
      const auto size = static_cast<std::size_t>(body_left_);
      exchange_->request.body.assign(link_.in.view().substr(0, size));
      link_.in.consume(size);
      outcome_.bytes_received = size;
      body_state_ = BodyState::Done;
    }
  }
  if (body_state_ == BodyState::Reading) return Verdict::Waits;
  Task<void> task;
  try {
    task = link_.shard.shared.handler.handle(*exchange_->context, exchange_->request, exchange_->response);
  } catch (...) {
    crashed(std::current_exception());
  }
  if (task) {
    pending_ = std::move(task);
    return Verdict::Waits;
  }
  return answer_whole() ? Verdict::Sent : Verdict::Waits;
}

/// The slow way: a body that is not here yet, a handler that waits, an answer that streams. False: close.
Task<bool> Http1::answer() {
  bool handled = body_state_ == BodyState::None || body_state_ == BodyState::Done;
  if (!handled) {
    if (exchange_->request.body.is_whole()) {
      const bool read = co_await read_small_body();
      if (!read) co_return false;
      // The deadline is for the handler: it begins when the handler can.
      if (!is_grpc(exchange_->request)) exchange_->context.emplace(link_.life, link_.shard.loop.tick() + link_.shard.options.request_timeout);
    }
    try {
      pending_ = link_.shard.shared.handler.handle(*exchange_->context, exchange_->request, exchange_->response);
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
  runtime::Loop& loop = link_.shard.loop;
  const bool whole = answer_whole();
  if (whole) {
    (void)co_await loop.later(Phase::Answer);  // gives nothing
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
  const TimePoint ended = loop.tick();
  if (whole) (void)co_await loop.later(Phase::Rest);  // gives nothing
  finish(sent ? nullptr : &sent.error(), ended);
  if (!sent || !keep_) co_return false;
  if (must_drop_) {
    const bool dropped = co_await drop_unread_body();
    co_return dropped;
  }
  co_return true;
}

void Http1::finish(const Error* error, TimePoint sent) {
  outcome_.duration = sent - started_;
  outcome_.error = error;
  forget_source();
  link_.in.consume(std::exchange(piece_size_, 0));
  link_.shard.shared.handler.finished(*exchange_->context, exchange_->request, exchange_->response, outcome_);
  exchange_->context.reset();
}

/// What the server itself answers to what is no request for a handler. The connection closes behind it.
void Http1::refuse(const codec1::ParseError& error) {
  begin_work();
  link_.shard.shared.refused(error.status, error.reason);
  Cancel none;
  Context ctx(none);
  Error why(code_from_http(error.status), std::string(error.detail));
  exchange_->response = problem(ctx, std::move(why).with_http_status(error.status).with_reason(std::string(error.reason)));
  keep_ = false;
  HeadFraming framing;
  framing.content_length = exchange_->response.body.bytes().size();
  write_head(framing);
  link_.out.append(exchange_->response.body.bytes());
}

void Http1::crashed(std::exception_ptr exception) {
  link_.shard.shared.unhandled(exception);
  codec1::clear(exchange_->response);
  exchange_->response = problem(*exchange_->context, internal_error("exception").with_reason("handler_exception"));
}

Task<void> serve_http1(Link& link) {
  Http1 connection(link);
  (void)co_await connection.run();  // gives nothing
}

}  // namespace yun::http::server
