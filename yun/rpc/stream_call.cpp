// Streaming calls of a client. The exchange runs in a task of its own, so that messages can go out before the head of the answer is there.
#include "yun/rpc/call.hpp"
#include "yun/rpc/channel_state.hpp"
#include "yun/rpc/status.hpp"

namespace yun::rpc::detail {
namespace {

/// A Context below `parent` that also ends with `other`.
class Both final : public Context, private Cancel::Waiter {
 public:
  Both(Context& parent, Cancel& other) : Context(parent, other.deadline()), other_(other) { other.add(*this); }

 private:
  void on_cancel() noexcept override {
    auto why = other_.check();
    Context::cancel(why ? cancelled("the call was cancelled") : std::move(why).error());
  }
  Cancel& other_;
};

/// Shared by the caller's handle, the exchange and the upload; goes with the last of them.
class Exchange final : public std::enable_shared_from_this<Exchange>, private Cancel::Waiter {
 public:
  Exchange(Channel::State& channel, Context& caller, const ClientMethod& method)
      : kept_(channel.shared_from_this()),
        channel_(channel),
        method_(method),
        caller_(&caller),
        context_(runtime::Loop::current().root(), caller.deadline()),
        call_(client_call(caller)),
        telemetry_(channel.telemetry(method), context_),
        over_(channel.call()) {
    context_.set_trace(caller.trace());
    context_.set_trace_state(caller.trace_state());
    context_.set_request_id(std::string(caller.request_id()));
    if (call_) metadata_ = call_->metadata();
    caller.add(*this);
  }

  /// `only`: the one message of a server-streaming call.
  void start(std::optional<std::string> only) { runtime::Loop::current().spawn(run(shared_from_this(), std::move(only))); }

  Task<Result<void>> write(Context& ctx, const MessageLite& message);
  Task<Result<void>> writes_done(Context& ctx);
  Task<Result<bool>> read(Context& ctx, MessageLite& into);
  /// The handle is gone or the caller has had enough.
  void end(Error why);
  /// The caller's Context and call may be gone from now on.
  void let_go() {
    unlink();
    caller_ = nullptr;
    call_ = nullptr;
  }

 private:
  class Outgoing;
  void on_cancel() noexcept override {
    auto why = caller_->check();
    context_.cancel(why ? cancelled("the call was cancelled") : std::move(why).error());
  }
  static Task<void> run(std::shared_ptr<Exchange> self, std::optional<std::string> only);
  Task<Result<void>> send(std::optional<std::string> only);
  /// Takes the next message that is here already; nullopt if there is none.
  Result<std::optional<bool>> take(MessageLite& into);
  Result<void> finish(Result<void> status);

  const std::shared_ptr<Channel::State> kept_;
  Channel::State& channel_;
  const ClientMethod& method_;
  Context* caller_;
  Context context_;
  ClientCall* call_;
  Metadata metadata_;
  MethodTelemetry::Scope telemetry_;

  // out
  std::string frame_;
  bool frame_waits_ = false;
  bool done_ = false;
  runtime::Event work_;
  runtime::Event room_;

  // in
  runtime::Event head_;
  std::optional<http::Response> response_;
  http::Channel::Call over_;
  std::optional<FrameReader> frames_;
  std::optional<Result<void>> status_;
};

/// The request's messages, one at a time, as the HTTP client takes them.
class Exchange::Outgoing final : public http::BodyProducer {
 public:
  explicit Outgoing(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  Task<Result<void>> produce(Context& ctx, http::BodyWriter& out) override {
    Exchange& exchange = *exchange_;
    while (true) {
      YUN_CHECK(co_await exchange.work_.wait(ctx));
      exchange.work_.reset();
      if (exchange.frame_waits_) {
        YUN_CHECK(co_await out.write(ctx, exchange.frame_));
        exchange.frame_waits_ = false;
        exchange.room_.set();
      }
      if (exchange.done_ && !exchange.frame_waits_) co_return Result<void>();
    }
  }

 private:
  std::shared_ptr<Exchange> exchange_;
};

Task<void> Exchange::run(std::shared_ptr<Exchange> self, std::optional<std::string> only) {
  auto sent = co_await self->send(std::move(only));
  if (!sent && !self->status_) (void)self->finish(from_transport(std::move(sent).error(), self->context_));
  self->head_.set();
}

Task<Result<void>> Exchange::send(std::optional<std::string> only) {
  http::Request request = channel_.request(context_, method_);
  metadata_.append_to(request.headers);
  if (only) {
    request.body = http::Body(std::move(*only));
  } else {
    request.upload = std::make_unique<Outgoing>(shared_from_this());
  }
  http::Response response;
  YUN_CHECK(co_await channel_.http->send(context_, request, response, over_));
  response_.emplace(std::move(response));
  if (status_) {  // the caller has had enough meanwhile
    over_.pick->report(outcome_of(*status_));
    response_->body.abandon();
    co_return Result<void>();
  }
  if (call_) call_->set_received(Metadata::from(response_->headers));
  AnswerHead head = read_answer(*response_);
  if (head.status) {
    if (call_) call_->set_trailing(Metadata::from(response_->headers));
    response_->body.abandon();
    (void)finish(std::move(*head.status));
    co_return Result<void>();
  }
  over_.pick->report_head(balance::Outcome::Success);
  frames_.emplace(channel_.options.max_message, head.encoding);
  co_return Result<void>();
}

Result<void> Exchange::finish(Result<void> status) {
  if (!status_) {
    status_ = std::move(status);
    telemetry_.end(*status_);
    if (over_.pick && response_) over_.pick->report(outcome_of(*status_));  // before the head it is the http channel's, which reports it
  }
  room_.set();
  return *status_;
}

Task<Result<void>> Exchange::write(Context& ctx, const MessageLite& message) {
  if (done_) co_return failed_precondition("writes are done");
  while (frame_waits_ && !status_) {
    room_.reset();
    Both both(ctx, context_);
    YUN_CHECK(co_await room_.wait(both));
  }
  if (status_) co_return unavailable("the call is over: read() says how it ended");
  YUN_CHECK(context_.check());
  frame_.clear();
  YUN_CHECK(append_frame(message, frame_));
  if (channel_.options.compress == Compress::Always && frame_.size() >= channel_.options.compress_from) compress_frame(frame_);
  frame_waits_ = true;
  work_.set();
  co_return Result<void>();
}

Task<Result<void>> Exchange::writes_done(Context&) {
  done_ = true;
  work_.set();
  co_return Result<void>();
}

Result<std::optional<bool>> Exchange::take(MessageLite& into) {
  if (status_) {
    if (!*status_) return status_->error();
    return std::optional<bool>(false);
  }
  if (!frames_) return std::optional<bool>();
  YUN_GET(message, frames_->next());
  if (!message) return std::optional<bool>();
  auto parsed = parse(*message, into);
  if (!parsed) return std::move(parsed).error();
  return std::optional<bool>(true);
}

Task<Result<bool>> Exchange::read(Context& ctx, MessageLite& into) {
  // The exchange may go with the handle, but not while its caller reads.
  const auto self = shared_from_this();
  Both both(ctx, context_);
  YUN_CHECK(co_await head_.wait(both));
  while (true) {
    auto taken = take(into);
    if (!taken && !status_) end(taken.error());
    if (!taken) co_return std::move(taken).error();
    if (*taken) co_return **taken;
    auto piece = co_await response_->body.next(both);
    if (!piece) {
      Error error = from_transport(std::move(piece).error(), both);
      if (!ctx.done() || context_.done()) (void)finish(error);
      co_return error;
    }
    if (*piece) {
      frames_->feed(**piece);
      continue;
    }
    if (call_) {
      const http::Headers* trailers = response_->body.trailers();
      if (trailers) call_->set_trailing(Metadata::from(*trailers));
    }
    Result<void> status = read_trailers(response_->body);
    if (status) status = frames_->finish();
    (void)finish(std::move(status));
  }
}

void Exchange::end(Error why) {
  context_.cancel(why);
  if (response_ && !status_) response_->body.abandon();
  (void)finish(std::move(why));
}

/// What the caller holds.
class Handle final : public CallStream {
 public:
  explicit Handle(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~Handle() override {
    exchange_->let_go();
    exchange_->end(cancelled("the call was dropped"));
  }
  Task<Result<void>> write(Context& ctx, const MessageLite& message) override { return exchange_->write(ctx, message); }
  Task<Result<void>> writes_done(Context& ctx) override { return exchange_->writes_done(ctx); }
  Task<Result<bool>> read(Context& ctx, MessageLite& into) override { return exchange_->read(ctx, into); }
  void cancel() override { exchange_->end(cancelled("the call was cancelled")); }

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace

Task<Result<std::unique_ptr<CallStream>>> open(Channel& channel, Context& ctx, const ClientMethod& method, const MessageLite* request) {
  Channel::State& state = channel.state();
  YUN_CHECK(ctx.check());
  std::optional<std::string> only;
  if (request) {
    only.emplace();
    YUN_CHECK(append_frame(*request, *only));
    if (state.options.compress == Compress::Always && only->size() >= state.options.compress_from) compress_frame(*only);
  }
  auto exchange = std::make_shared<Exchange>(state, ctx, method);
  auto handle = std::make_unique<Handle>(exchange);
  exchange->start(std::move(only));
  co_return Result<std::unique_ptr<CallStream>>(std::unique_ptr<CallStream>(std::move(handle)));
}

}  // namespace yun::rpc::detail
