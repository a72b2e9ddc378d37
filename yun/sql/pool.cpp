#include "yun/sql/pool.hpp"

#include "yun/sql/observed.hpp"

namespace yun::sql {

Pool::Pool(std::shared_ptr<Driver> driver, const PoolOptions& options) {
  auto meters = options.metrics ? std::make_shared<const Meters>(*options.metrics, options.name, driver) : nullptr;
  Place place = driver->place();
  state_ = std::make_shared<const State>(State{std::move(driver), std::move(place), std::move(meters)});
}

Stats Pool::stats() const { return state_->driver->stats(); }

Task<Result<Rows>> Pool::read(StatePtr state, Context& ctx, std::string text, Args args, Take take) {
  YUN_CHECK(args.check());
  YUN_CHECK(ctx.check());
  Observed observed(state->meters.get(), ctx, operation_of(text));
  observed.describe(state->driver->dialect(), state->place, text);
  Statement statement{.text = std::move(text), .args = args.take(), .take = take};
  auto reading = state->driver->query(ctx, std::move(statement));
  auto rows = co_await std::move(reading);
  observed.end(rows);
  co_return rows;
}

Task<Result<Changes>> Pool::write(StatePtr state, Context& ctx, std::string text, Args args) {
  YUN_CHECK(args.check());
  YUN_CHECK(ctx.check());
  Observed observed(state->meters.get(), ctx, operation_of(text));
  observed.describe(state->driver->dialect(), state->place, text);
  Statement statement{.text = std::move(text), .args = args.take(), .take = Take::All};
  auto writing = state->driver->execute(ctx, std::move(statement));
  auto changes = co_await std::move(writing);
  observed.end(changes);
  co_return changes;
}

Task<Result<void>> Pool::commit(StatePtr state, Context& ctx, Work work) {
  YUN_CHECK(ctx.check());
  Observed observed(state->meters.get(), ctx, Operation::Transaction);
  observed.describe(state->driver->dialect(), state->place, {});
  auto committing = state->driver->transaction(ctx, std::move(work));
  auto done = co_await std::move(committing);
  observed.end(done);
  co_return done;
}

namespace detail {
Error no_row() { return not_found("no such row"); }
}  // namespace detail

}  // namespace yun::sql
