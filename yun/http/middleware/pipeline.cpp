#include "yun/http/middleware/pipeline.hpp"

#include <algorithm>

#include "yun/base/sanitizers.hpp"
#include "yun/http/middleware/recover.hpp"

namespace yun::http {

/// What the pipeline remembers of one request between handle() and finished().
struct Pipeline::Exchange {
  const Pipeline* pipeline = nullptr;
  const Request* request = nullptr;
  std::size_t reached = 0;  // before() or around() of this many were called
  std::vector<Middleware::State> states;

  class Table;
};

/// Those in flight on this thread, found by pipeline and request: open addressing, and a free list of the objects themselves.
class Pipeline::Exchange::Table {
 public:
  static Table& here() {
    static thread_local Table table;
    return table;
  }

  Exchange& insert(const Pipeline* owner, const Request* asked) {
    if (Exchange* stale = find(owner, asked)) return *stale;
    if ((size_ + 1) * 2 > slots_.size()) grow();
    std::unique_ptr<Exchange> made;
    if (free_.empty()) {
      made = std::make_unique<Exchange>();
    } else {
      made = std::move(free_.back());
      free_.pop_back();
    }
    made->pipeline = owner;
    made->request = asked;
    Exchange& exchange = *made;
    put(std::move(made));
    ++size_;
    return exchange;
  }

  Exchange* find(const Pipeline* owner, const Request* asked) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t at = home(owner, asked); slots_[at]; at = (at + 1) & mask()) {
      if (slots_[at]->pipeline == owner && slots_[at]->request == asked) return slots_[at].get();
    }
    return nullptr;
  }

  void erase(Exchange& exchange) {
    std::size_t at = home(exchange.pipeline, exchange.request);
    while (slots_[at].get() != &exchange) at = (at + 1) & mask();
    if (free_.size() < kMostFree) free_.push_back(std::move(slots_[at]));
    slots_[at].reset();
    --size_;
    // Those behind move up, so that no search stops at the hole.
    for (std::size_t next = (at + 1) & mask(); slots_[next]; next = (next + 1) & mask()) {
      const std::size_t wanted = home(slots_[next]->pipeline, slots_[next]->request);
      if (((next - wanted) & mask()) < ((next - at) & mask())) continue;
      slots_[at] = std::move(slots_[next]);
      at = next;
    }
  }

 private:
  static constexpr std::size_t kMostFree = kSanitized ? 0 : 1024;
  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t home(const Pipeline* owner, const Request* asked) const {
    const auto mixed = (reinterpret_cast<std::uintptr_t>(asked) ^ (reinterpret_cast<std::uintptr_t>(owner) << 7)) * 0x9E3779B97F4A7C15u;
    return (mixed >> 32) & mask();
  }
  void put(std::unique_ptr<Exchange> exchange) {
    std::size_t at = home(exchange->pipeline, exchange->request);
    while (slots_[at]) at = (at + 1) & mask();
    slots_[at] = std::move(exchange);
  }
  void grow() {
    auto old = std::exchange(slots_, std::vector<std::unique_ptr<Exchange>>(std::max<std::size_t>(slots_.size() * 2, 64)));
    for (auto& each : old) {
      if (each) put(std::move(each));
    }
  }

  std::vector<std::unique_ptr<Exchange>> slots_;
  std::vector<std::unique_ptr<Exchange>> free_;
  std::size_t size_ = 0;
};

Pipeline::Pipeline(std::vector<std::shared_ptr<Middleware>> middleware, std::shared_ptr<Handler> inner)
    : middleware_(std::move(middleware)), inner_(std::move(inner)) {}
Pipeline::Pipeline(std::vector<std::shared_ptr<Middleware>> middleware, Handler& inner)
    : Pipeline(std::move(middleware), std::shared_ptr<Handler>(std::shared_ptr<Handler>(), &inner)) {}

Task<void> Pipeline::handle(Context& ctx, Request& request, Response& response) {
  Exchange& exchange = Exchange::Table::here().insert(this, &request);
  exchange.reached = 0;
  exchange.states.assign(middleware_.size(), {});
  return run(exchange, 0, ctx, request, response);
}

void Pipeline::finished(Context& ctx, const Request& request, const Response& response, const Outcome& outcome) noexcept {
  inner_->finished(ctx, request, response, outcome);
  Exchange::Table& table = Exchange::Table::here();
  Exchange* exchange = table.find(this, &request);
  if (!exchange) return;
  for (std::size_t i = exchange->reached; i-- > 0;) middleware_[i]->finished(ctx, request, response, outcome, exchange->states[i]);
  table.erase(*exchange);
}

Task<void> Pipeline::run(Exchange& exchange, std::size_t index, Context& ctx, Request& request, Response& response) {
  try {
    for (std::size_t i = index; i < middleware_.size(); ++i) {
      exchange.reached = i + 1;
      if (middleware_[i]->waits()) return run_waiting(exchange, index, ctx, request, response);
      if (middleware_[i]->before(ctx, request, response, exchange.states[i]) == Middleware::Verdict::Answered) {
        run_after(exchange, index, i + 1, ctx, request, response);
        return {};
      }
    }
    Task<void> inner = inner_->handle(ctx, request, response);
    if (inner && !inner.run()) return await_inner(exchange, index, middleware_.size(), std::move(inner), ctx, request, response);
    if (inner) inner.result();
  } catch (...) {
    recover(ctx, request, response, std::current_exception());
  }
  run_after(exchange, index, exchange.reached, ctx, request, response);
  return {};
}

/// The hooks from `from` were called; the one that waits is the last that was reached.
Task<void> Pipeline::run_waiting(Exchange& exchange, std::size_t from, Context& ctx, Request& request, Response& response) {
  const std::size_t at = exchange.reached - 1;
  try {
    Task<Response> around = middleware_[at]->around(ctx, request, Next(*this, at + 1));
    Response given = co_await std::move(around);
    response = std::move(given);
  } catch (...) {
    recover(ctx, request, response, std::current_exception());
  }
  run_after(exchange, from, at, ctx, request, response);
}

Task<void> Pipeline::await_inner(Exchange& exchange, std::size_t from, std::size_t reached, Task<void> inner, Context& ctx, Request& request,
                                 Response& response) {
  try {
    (void)co_await std::move(inner);  // void
  } catch (...) {
    recover(ctx, request, response, std::current_exception());
  }
  run_after(exchange, from, reached, ctx, request, response);
}

void Pipeline::run_after(Exchange& exchange, std::size_t from, std::size_t reached, Context& ctx, Request& request, Response& response) {
  for (std::size_t i = reached; i-- > from;) {
    try {
      middleware_[i]->after(ctx, request, response, exchange.states[i]);
    } catch (...) {
      recover(ctx, request, response, std::current_exception());
    }
  }
}

Task<Response> Pipeline::run_next(std::size_t index, Context& ctx, Request& request) {
  Response response;
  Exchange& exchange = Exchange::Table::here().insert(this, &request);
  if (exchange.states.size() != middleware_.size()) exchange.states.assign(middleware_.size(), {});
  Task<void> task = run(exchange, index, ctx, request, response);
  if (task) (void)co_await std::move(task);  // void
  co_return response;
}

Task<Response> Next::operator()(Context& ctx, Request& request) const { return pipeline_->run_next(index_, ctx, request); }

}  // namespace yun::http
