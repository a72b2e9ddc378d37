#include "yun/sql/pool.hpp"

#include <array>

#include "yun/base/strings.hpp"

namespace yun::sql {

namespace {

/// The statement's first word, if it is one of the four that are worth a series of their own.
std::string_view operation_of(std::string_view text) {
  static constexpr std::array<std::string_view, 4> kKnown = {"select", "insert", "update", "delete"};
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t' || text.front() == '\r')) text.remove_prefix(1);
  for (std::string_view known : kKnown) {
    if (iequals(text.substr(0, known.size()), known)) return known;
  }
  return "other";
}

/// Tells the observer of one call when it is over.
class Observed {
 public:
  Observed(Observer* observer, Context& ctx, std::string_view operation) : observer_(observer), ctx_(ctx), operation_(operation) {
    if (observer_) began_ = Clock::now();
  }
  template <typename T>
  void end(const Result<T>& result) {
    if (!observer_) return;
    observer_->on_end(ctx_, {.operation = operation_, .duration = Clock::now() - began_, .error = result ? nullptr : &result.error()});
  }

 private:
  Observer* observer_;
  Context& ctx_;
  std::string_view operation_;
  TimePoint began_;
};

}  // namespace

Pool::Pool(std::shared_ptr<Driver> driver, std::shared_ptr<Observer> observer)
    : state_(std::make_shared<const State>(State{std::move(driver), std::move(observer)})) {}

Stats Pool::stats() const { return state_->driver->stats(); }

Task<Result<Rows>> Pool::read(StatePtr state, Context& ctx, std::string text, Args args, Take take) {
  YUN_CHECK(args.check());
  YUN_CHECK(ctx.check());
  Observed observed(state->observer.get(), ctx, operation_of(text));
  Statement statement{.text = std::move(text), .args = args.take(), .take = take};
  auto reading = state->driver->query(ctx, std::move(statement));
  auto rows = co_await std::move(reading);
  observed.end(rows);
  co_return rows;
}

Task<Result<Changes>> Pool::write(StatePtr state, Context& ctx, std::string text, Args args) {
  YUN_CHECK(args.check());
  const std::string_view operation = operation_of(text);
  auto changes = std::make_shared<Changes>();
  Work work = [changes, text = std::move(text), args = std::move(args)](Session& session) -> Result<void> {
    YUN_GET(done, session.execute(text, args.values()));
    *changes = done;
    return {};
  };
  auto committing = commit(std::move(state), ctx, std::move(work), operation);
  YUN_CHECK(co_await std::move(committing));
  co_return *changes;
}

Task<Result<void>> Pool::commit(StatePtr state, Context& ctx, Work work, std::string_view operation) {
  YUN_CHECK(ctx.check());
  Observed observed(state->observer.get(), ctx, operation);
  auto committing = state->driver->transaction(ctx, std::move(work));
  auto done = co_await std::move(committing);
  observed.end(done);
  co_return done;
}

namespace detail {
Error no_row() { return not_found("no such row"); }
}  // namespace detail

}  // namespace yun::sql
