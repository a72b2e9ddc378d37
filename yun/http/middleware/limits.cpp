#include "yun/http/middleware/limits.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "yun/base/strings.hpp"
#include "yun/runtime/loop.hpp"

namespace yun::http {

namespace {

class Deadline final : public Middleware {
 public:
  explicit Deadline(Duration timeout) : timeout_(timeout) {}
  Verdict before(Context& ctx, Request&, Response&, State&) override {
    ctx.shorten(Clock::now() + timeout_);
    return Verdict::Continue;
  }

 private:
  Duration timeout_;
};

Error too_large(std::size_t limit) {
  return resource_exhausted("the body is larger than " + std::to_string(limit) + " bytes").with_http_status(413).with_reason("body_too_large");
}

/// Passes pieces on until they are too many.
class LimitedSource final : public BodySource {
 public:
  LimitedSource(Body inner, std::size_t limit) : inner_(std::move(inner)), limit_(limit) {}
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override {
    auto piece = co_await inner_.next(ctx);
    if (!piece || !*piece) co_return std::move(piece);
    seen_ += (*piece)->size();
    if (seen_ > limit_) co_return too_large(limit_);
    co_return std::move(piece);
  }
  const Headers* trailers() const override { return inner_.trailers(); }
  void abandon() override { inner_.abandon(); }

 private:
  Body inner_;
  std::size_t limit_;
  std::size_t seen_ = 0;
};

class BodyLimit final : public Middleware {
 public:
  explicit BodyLimit(std::size_t limit) : limit_(limit) {}
  Verdict before(Context& ctx, Request& request, Response& response, State&) override {
    if (request.body.is_whole()) {
      if (request.body.bytes().size() <= limit_) return Verdict::Continue;
    } else {
      const auto announced = parse_u64(request.headers.get("content-length").value_or("0"));
      if (announced && *announced <= limit_) {
        request.body = Body(std::make_unique<LimitedSource>(std::move(request.body), limit_));
        return Verdict::Continue;
      }
    }
    refuse(ctx, request, response, too_large(limit_));
    return Verdict::Answered;
  }

 private:
  std::size_t limit_;
};

class ConcurrencyLimit final : public Middleware {
 public:
  explicit ConcurrencyLimit(ConcurrencyLimitOptions options) : options_(std::move(options)) {}

  Verdict before(Context& ctx, Request& request, Response& response, State& state) override {
    if (std::ranges::find(options_.exempt, request.path) != options_.exempt.end()) return Verdict::Continue;
    std::atomic<std::size_t>& used = here();
    if (used.load(std::memory_order_relaxed) >= options_.per_loop) {
      const auto wait = std::chrono::ceil<std::chrono::milliseconds>(options_.retry_after);
      refuse(ctx, request, response, unavailable("too many requests are at work").with_reason("overloaded").with_retry_after(wait));
      return Verdict::Answered;
    }
    used.fetch_add(1, std::memory_order_relaxed);
    state.word = 1;
    return Verdict::Continue;
  }
  void after(Context&, Request&, Response& response, State& state) override {
    if (response.stream || response.upgrade) give_back(state);
  }
  void finished(Context&, const Request&, const Response&, const Outcome&, State& state) noexcept override { give_back(state); }

 private:
  struct alignas(64) Cell {
    std::atomic<std::size_t> used{0};
  };
  static constexpr std::size_t kCells = 128;

  std::atomic<std::size_t>& here() {
    const runtime::Loop* loop = runtime::Loop::current_or_null();
    return cells_[loop ? loop->index() % kCells : 0].used;
  }
  void give_back(State& state) {
    if (std::exchange(state.word, 0) == 1) here().fetch_sub(1, std::memory_order_relaxed);
  }

  ConcurrencyLimitOptions options_;
  std::array<Cell, kCells> cells_;
};

}  // namespace

std::shared_ptr<Middleware> deadline(Duration timeout) { return std::make_shared<Deadline>(timeout); }
std::shared_ptr<Middleware> body_limit(std::size_t bytes) { return std::make_shared<BodyLimit>(bytes); }
std::shared_ptr<Middleware> concurrency_limit(ConcurrencyLimitOptions options) { return std::make_shared<ConcurrencyLimit>(std::move(options)); }

}  // namespace yun::http
