#include "yun/http/client/upload.hpp"

#include "yun/runtime/loop.hpp"

namespace yun::http::client {

Upload::Upload(Context& caller) : caller_(&caller), context_(runtime::Loop::current().root()) {
  context_.set_trace(caller.trace());
  context_.set_trace_state(caller.trace_state());
  context_.set_request_id(std::string(caller.request_id()));
  context_.set_subject(caller.subject());
}

void Upload::start(std::shared_ptr<Upload> self, std::unique_ptr<BodyProducer> producer, std::shared_ptr<UploadSink> out,
                   void (*on_end)(void* owner, const std::optional<Error>& error), std::shared_ptr<void> owner) {
  Upload& upload = *self;
  upload.caller_->add(upload);
  runtime::Loop::current().spawn(run(std::move(self), std::move(producer), std::move(out), on_end, std::move(owner)));
}

void Upload::stop() {
  unlink();
  context_.cancel(cancelled("the exchange is over"));
}

void Upload::on_cancel() noexcept {
  auto why = caller_->check();
  context_.cancel(why ? cancelled("cancelled") : why.error());
}

Task<void> Upload::join() {
  Cancel never;
  (void)co_await ended_.wait(never);  // cannot fail: `never` has neither deadline nor parent
}

Task<void> Upload::run(std::shared_ptr<Upload> self, std::unique_ptr<BodyProducer> producer, std::shared_ptr<UploadSink> out,
                       void (*on_end)(void* owner, const std::optional<Error>& error), std::shared_ptr<void> owner) {
  Result<void> produced;
  try {
    produced = co_await producer->produce(self->context_, *out);
    if (produced) produced = co_await out->finish(self->context_);
  } catch (...) {
    runtime::on_unhandled(std::current_exception());
    produced = internal_error("a request body's producer threw");
  }
  self->unlink();
  producer.reset();
  if (!produced) self->error_ = produced.error();
  on_end(owner.get(), self->error_);
  self->ended_.set();
}

namespace {
struct Pump final : BodyProducer {
  explicit Pump(Body given) : body(std::move(given)) {}
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    for (;;) {
      auto piece = co_await body.next(ctx);
      if (!piece) co_return std::move(piece).error();
      if (!*piece) break;
      YUN_CHECK(co_await out.write(ctx, **piece));
    }
    if (const Headers* trailers = body.trailers()) {
      for (const Headers::Field field : *trailers) out.set_trailer(field.name, field.value);
    }
    co_return Result<void>();
  }
  Body body;
};
}  // namespace

std::unique_ptr<BodyProducer> take_producer(Request& request) {
  if (request.upload) return std::move(request.upload);
  if (request.body.empty()) return nullptr;
  return std::make_unique<Pump>(std::move(request.body));
}

}  // namespace yun::http::client
