#pragma once
// Middleware: what stands before and behind every handler, HTTP and gRPC alike. One type, two ways:
//
// 1. Hooks that never wait and cost no coroutine (all of the default ones):
//     struct ServerName : Middleware {
//       void after(Context&, Request&, Response& response, State&) override { response.headers.set("server", "yun"); }
//     };
// 2. One that waits: `around`, or a function object
//     pipeline.use(middleware([&](Context& ctx, Request& request, Next next) { return authenticate(ctx, request, next); }));
//     Task<Response> authenticate(Context& ctx, Request& request, Next next) {   // a free function: no capturing lambda as a coroutine
//       ...
//       Response response = co_await next(ctx, request);
//       co_return response;
//     }

#include <cstdint>
#include <memory>
#include <utility>

#include "yun/http/message.hpp"

namespace yun::http {

class Pipeline;

/// The part of the pipeline behind a waiting middleware. A value; valid as long as the exchange.
class Next {
 public:
  /// Runs what is behind. May be called once.
  Task<Response> operator()(Context& ctx, Request& request) const;

 private:
  friend class Pipeline;
  Next(Pipeline& pipeline, std::size_t index) : pipeline_(&pipeline), index_(index) {}
  Pipeline* pipeline_;
  std::size_t index_;
};

/// Lives as long as the pipeline and is called on every loop at once: what it shares must be immutable, per core or atomic.
class Middleware {
 public:
  enum class Verdict : std::uint8_t { Continue, Answered };
  /// One middleware's own memory for one exchange, zero at its beginning.
  struct State {
    std::uint64_t word = 0;
    void* pointer = nullptr;
  };

  virtual ~Middleware() = default;
  /// In order, before the handler. Answered: `response` is complete, nothing behind this one runs.
  virtual Verdict before(Context& ctx, Request& request, Response& response, State& state) {
    (void)ctx, (void)request, (void)response, (void)state;
    return Verdict::Continue;
  }
  /// In reverse order, once the response head is known, for each whose before() was called.
  virtual void after(Context& ctx, Request& request, Response& response, State& state) {
    (void)ctx, (void)request, (void)response, (void)state;
  }
  /// In reverse order, once the exchange is over, for each whose before() was called. `response.body` may be gone.
  virtual void finished(Context& ctx, const Request& request, const Response& response, const Outcome& outcome, State& state) noexcept {
    (void)ctx, (void)request, (void)response, (void)outcome, (void)state;
  }

  /// True: around() is used in place of before() and after(); finished() is called all the same.
  virtual bool waits() const { return false; }
  virtual Task<Response> around(Context& ctx, Request& request, Next next) { return next(ctx, request); }
};

/// From a function object (Context&, Request&, Next) -> Task<Response>; it lives as long as the pipeline.
template <typename F>
std::shared_ptr<Middleware> middleware(F function) {
  struct Waiting final : Middleware {
    explicit Waiting(F f) : function_(std::move(f)) {}
    bool waits() const override { return true; }
    Task<Response> around(Context& ctx, Request& request, Next next) override { return function_(ctx, request, next); }
    F function_;
  };
  return std::make_shared<Waiting>(std::move(function));
}

/// Fills `response` with the answer for `error` as this request's protocol wants it: a problem document, or for gRPC a trailers-only
/// answer (status 200, grpc-status). The error's reason goes into `response.reason`.
void refuse(Context& ctx, const Request& request, Response& response, const Error& error);

}  // namespace yun::http
