#pragma once
// Pipeline: middleware in a row before one handler. Hooks cost a virtual call each and no coroutine frame; an exception that
// escapes anything inside is caught here, once: 500 with reason panic, one log line, and the process lives.
//
//     Pipeline pipeline({request_id(), trace(), metrics(), access_log()}, router);
//
// The order of the list is the order of before().

#include <memory>
#include <vector>

#include "yun/http/middleware/middleware.hpp"

namespace yun::http {

class Pipeline final : public Handler {
 public:
  Pipeline(std::vector<std::shared_ptr<Middleware>> middleware, std::shared_ptr<Handler> inner);
  /// `inner` must outlive the pipeline.
  Pipeline(std::vector<std::shared_ptr<Middleware>> middleware, Handler& inner);

  Task<void> handle(Context& ctx, Request& request, Response& response) override;
  void finished(Context& ctx, const Request& request, const Response& response, const Outcome& outcome) noexcept override;

 private:
  friend class Next;
  struct Exchange;
  /// From middleware `index` on. Empty task: `response` is complete.
  Task<void> run(Exchange& exchange, std::size_t index, Context& ctx, Request& request, Response& response);
  Task<void> run_waiting(Exchange& exchange, std::size_t index, Context& ctx, Request& request, Response& response);
  Task<void> await_inner(Exchange& exchange, std::size_t from, std::size_t reached, Task<void> inner, Context& ctx, Request& request, Response& response);
  void run_after(Exchange& exchange, std::size_t from, std::size_t reached, Context& ctx, Request& request, Response& response);
  Task<Response> run_next(std::size_t index, Context& ctx, Request& request);

  std::vector<std::shared_ptr<Middleware>> middleware_;
  std::shared_ptr<Handler> inner_;
};

}  // namespace yun::http
