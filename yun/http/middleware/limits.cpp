#include "yun/http/middleware/limits.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "yun/base/strings.hpp"
#include "yun/http/problem.hpp"
#include "yun/observe/log/log.hpp"
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

class Overload final : public Middleware {
 public:
  explicit Overload(OverloadOptions options)
      : options_(std::move(options)),
        error_(unavailable("the service has more work than time").with_reason("overloaded").with_retry_after(std::chrono::ceil<std::chrono::milliseconds>(options_.retry_after))) {
    for (Cell& cell : cells_) cell.shedder = resilience::LoadShedder(options_.shedder);
    Context none;
    refusal_ = problem(none, error_);
    const std::string body(refusal_.body.bytes());
    const std::size_t id = body.find(none.trace_id());
    before_id_ = body.substr(0, id);
    if (id != std::string::npos) behind_id_ = body.substr(id + none.trace_id().size());
    if (options_.registry) show(*options_.registry);
  }

  Verdict before(Context& ctx, Request& request, Response& response, State& state) override {
    const runtime::Loop* loop = runtime::Loop::current_or_null();
    Cell& cell = cell_of(loop);
    bool taken = cell.in_flight.load(std::memory_order_relaxed) < options_.max_in_flight;
    if (loop && loop->index() < kCells && options_.shedding == OverloadOptions::Shedding::On) {
      taken = cell.shedder.admit(loop->latest(), {loop->now(), loop->before(), loop->busy()}) && taken;
      if (cell.shedder.overloaded() != cell.told) [[unlikely]] tell(cell, *loop);
    }
    if (!taken) {
      if (std::ranges::find(options_.exempt, request.path) != options_.exempt.end()) return Verdict::Continue;
      answer(ctx, request, response);
      return Verdict::Answered;
    }
    cell.add(1);
    state.word = 1;
    return Verdict::Continue;
  }
  void after(Context&, Request&, Response& response, State& state) override {
    if (response.stream || response.upgrade) give_back(state);
  }
  void finished(Context&, const Request&, const Response&, const Outcome&, State& state) noexcept override { give_back(state); }

 private:
  static constexpr std::size_t kCells = 128;
  /// One loop's (loops above kCells share, inexactly): written by that loop alone, so no locked instruction is needed.
  struct alignas(64) Cell {
    std::atomic<std::size_t> in_flight{0};
    void add(std::size_t count) { in_flight.store(in_flight.load(std::memory_order_relaxed) + count, std::memory_order_relaxed); }
    bool told = false;
    TimePoint left = TimePoint::max();  ///< when the overload was first seen to be over, not yet told
    std::uint64_t refused_before = 0;
    resilience::LoadShedder shedder;
  };

  void show(metrics::Registry& registry) {
    in_flight_ = registry.callback("http_requests_in_flight", "HTTP requests at work, streamed answers left out.", metrics::Kind::Gauge, [this] {
      std::size_t all = 0;
      for (const Cell& cell : cells_) all += cell.in_flight.load(std::memory_order_relaxed);
      return static_cast<double>(all);
    });
    fullest_ = registry.callback("http_requests_in_flight_ratio", "Requests at work on the fullest loop, as a share of its limit.", metrics::Kind::Gauge, [this] {
      std::size_t most = 0;
      for (const Cell& cell : cells_) most = std::max(most, cell.in_flight.load(std::memory_order_relaxed));
      return options_.max_in_flight == 0 ? 1.0 : static_cast<double>(most) / static_cast<double>(options_.max_in_flight);
    });
  }
  Cell& cell_of(const runtime::Loop* loop) { return cells_[loop ? loop->index() % kCells : 0]; }
  void give_back(State& state) {
    if (std::exchange(state.word, 0) == 1) cell_of(runtime::Loop::current_or_null()).add(static_cast<std::size_t>(-1));
  }

  /// At most one pair of lines a second: a load near the capacity crosses it again and again.
  static void tell(Cell& cell, const runtime::Loop& loop) {
    if (cell.shedder.overloaded()) {
      cell.told = true;
      cell.left = TimePoint::max();
      cell.refused_before = cell.shedder.refused();
      log::warn("overload: requests are refused", {{"loop", loop.index()}, {"cost_of_a_request", cell.shedder.cost()}});
      return;
    }
    cell.left = std::min(cell.left, loop.latest());
    if (loop.latest() - cell.left < std::chrono::seconds(1)) return;
    cell.told = false;
    log::info("the overload is over", {{"loop", loop.index()}, {"refused", cell.shedder.refused() - cell.refused_before}});
  }

  /// The same as refuse(), made beforehand but for the trace id: it has to cost much less than to serve.
  void answer(Context& ctx, const Request& request, Response& response) {
    if (request.headers.get("content-type").value_or("").starts_with("application/grpc")) {
      refuse(ctx, request, response, error_);
      return;
    }
    response.status = refusal_.status;
    for (const Headers::Field each : refusal_.headers) response.headers.add(each.name, each.value);
    response.reason = refusal_.reason;
    std::string body;
    body.reserve(before_id_.size() + 32 + behind_id_.size());
    body += before_id_;
    if (!behind_id_.empty()) body += ctx.trace_id();
    body += behind_id_;
    response.body = Body(std::move(body));
  }

  OverloadOptions options_;
  Error error_;
  Response refusal_;
  std::string before_id_, behind_id_;
  std::array<Cell, kCells> cells_;
  metrics::Registry::Registration in_flight_, fullest_;
};

}  // namespace

std::shared_ptr<Middleware> deadline(Duration timeout) { return std::make_shared<Deadline>(timeout); }
std::shared_ptr<Middleware> body_limit(std::size_t bytes) { return std::make_shared<BodyLimit>(bytes); }
std::shared_ptr<Middleware> overload(OverloadOptions options) { return std::make_shared<Overload>(std::move(options)); }

}  // namespace yun::http
