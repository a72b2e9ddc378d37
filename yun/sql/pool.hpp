#pragma once
// Pool: a database behind a URL, as one value that is copied around and closed when the last copy goes.
//
//     YUN_GET(pool, sql::open("sqlite:///var/lib/shop/user.db"));
//     struct User { std::string id, name; };
//     auto users = co_await pool.all<User>(ctx, "select id, name from users where name like ?", pattern);
//     auto added = co_await pool.execute(ctx, "insert into users (id, name) values (?, ?)", id, name);
//     auto order = co_await pool.transaction(ctx, [id](sql::Transaction& tx) -> Result<Order> {
//       YUN_GET(stock, tx.one<std::int64_t>("select stock from products where id = ?", id));
//       ...
//     });
//
// Statements use `?`. Errors are listed at driver.hpp's Session; besides those every call gives DeadlineExceeded or Cancelled of its Context,
// and Unavailable with reason sql_queue_full when too much waits. A write that had begun when its Context ended runs to its end: the caller does
// not know its outcome (use an idempotency key).
//
// Every call is a span below ctx.span() ("SELECT users": operation and table, with the statement's text and its marks, never its values) and, with a registry, counts in sql_queries_total{operation,code} and sql_query_duration_seconds{operation}
// (operation: select, insert, update, delete, transaction, other); a failure of the database itself is one log line.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "yun/observe/context.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/sql/driver.hpp"

namespace yun::sql {

/// What a transaction sees of others. SQLite's are always serializable.
enum class Isolation : std::uint8_t { Default, ReadCommitted, RepeatableRead, Serializable };

struct PoolOptions {
  unsigned readers = 4;                                  ///< SQLite: connections (and threads) that read side by side
  unsigned max_connections = 16;                         ///< of a server's: connections, each with a thread while it is at work
  Duration connect_timeout = std::chrono::seconds(3);    ///< to a server; whole seconds
  Duration max_idle = std::chrono::minutes(5);           ///< an idle connection to a server is closed then
  Isolation isolation = Isolation::Default;              ///< of transactions on a server; Default: the server's
  std::size_t max_queued_writes = 1024;                  ///< write transactions that wait; more are refused
  std::size_t max_queued_reads = 1024;                   ///< queries that wait for a reader; more are refused
  std::size_t max_group = 128;                           ///< write transactions that share one commit
  std::size_t max_rows = 100'000;                        ///< rows of one result
  std::size_t max_result_bytes = std::size_t{64} << 20;  ///< bytes of one result
  std::size_t max_statements = 64;                       ///< prepared statements kept by each connection
  Duration busy_timeout = std::chrono::seconds(5);       ///< wait for another process's write
  bool exclusive = false;                                ///< refuse to open what another process has opened exclusively
  std::string name = "default";                          ///< the label `pool` of the pool's own gauges, when there are several
  metrics::Registry* metrics = nullptr;                  ///< must outlive the pool
};

class Meters;

/// What a call does, for metrics and spans.
enum class Operation : std::uint8_t { Select, Insert, Update, Delete, Transaction, Other };

/// Inside Pool::transaction: the same calls as the Pool's, but they block, as this runs on the writer's thread.
class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  template <Row T, typename... A>
  Result<std::vector<T>> all(std::string_view text, const A&... args);
  /// The first row; NotFound if there is none.
  template <Row T, typename... A>
  Result<T> one(std::string_view text, const A&... args);
  template <Row T, typename... A>
  Result<std::optional<T>> maybe(std::string_view text, const A&... args);
  template <typename... A>
  Result<Changes> execute(std::string_view text, const A&... args);
  Session& session() { return session_; }

 private:
  Session& session_;
};

class Pool {
 public:
  /// Empty: any call but valid() is a bug.
  Pool() = default;
  Pool(std::shared_ptr<Driver> driver, const PoolOptions& options);
  bool valid() const { return state_ != nullptr; }

  /// Every row. Arguments and text are copied before this returns.
  template <Row T, typename... A>
  Task<Result<std::vector<T>>> all(Context& ctx, std::string_view text, const A&... args) const {
    return read_all<T>(state_, ctx, std::string(text), Args::of(args...));
  }
  /// The first row; NotFound if there is none.
  template <Row T, typename... A>
  Task<Result<T>> one(Context& ctx, std::string_view text, const A&... args) const {
    return read_one<T>(state_, ctx, std::string(text), Args::of(args...));
  }
  /// The first row, if there is one.
  template <Row T, typename... A>
  Task<Result<std::optional<T>>> maybe(Context& ctx, std::string_view text, const A&... args) const {
    return read_maybe<T>(state_, ctx, std::string(text), Args::of(args...));
  }
  /// One statement in a transaction of its own; ok means on disk.
  template <typename... A>
  Task<Result<Changes>> execute(Context& ctx, std::string_view text, const A&... args) const {
    return write(state_, ctx, std::string(text), Args::of(args...));
  }
  /// `f` takes a sql::Transaction& and gives a Result<T>. It runs on a thread where it may block, must own what it captures (the caller may have
  /// gone by then), must not wait for anything but the database, and runs again if a server broke it off for a deadlock. An Error rolls back and is what the caller gets.
  template <typename F>
  auto transaction(Context& ctx, F f) const -> Task<std::invoke_result_t<F&, Transaction&>> {
    using R = std::invoke_result_t<F&, Transaction&>;
    static_assert(is_result<R>, "a transaction's function returns a Result");
    auto outcome = std::make_shared<std::optional<R>>();
    Work work = [outcome, f = std::move(f)](Session& session) mutable -> Result<void> {
      Transaction transaction(session);
      outcome->emplace(f(transaction));
      if (!**outcome) return (**outcome).error();
      return {};
    };
    return run<R>(state_, ctx, std::move(work), std::move(outcome));
  }

  Stats stats() const;
  Dialect dialect() const { return state_->driver->dialect(); }
  /// For those who need what only a driver knows (migrate).
  Driver& driver() const { return *state_->driver; }

 private:
  struct State {
    std::shared_ptr<Driver> driver;
    Place place;
    std::shared_ptr<const Meters> meters;  ///< null without a registry
  };
  using StatePtr = std::shared_ptr<const State>;

  static Task<Result<Rows>> read(StatePtr state, Context& ctx, std::string text, Args args, Take take);
  static Task<Result<Changes>> write(StatePtr state, Context& ctx, std::string text, Args args);
  static Task<Result<void>> commit(StatePtr state, Context& ctx, Work work);
  template <typename T>
  static Task<Result<std::vector<T>>> read_all(StatePtr state, Context& ctx, std::string text, Args args);
  template <typename T>
  static Task<Result<T>> read_one(StatePtr state, Context& ctx, std::string text, Args args);
  template <typename T>
  static Task<Result<std::optional<T>>> read_maybe(StatePtr state, Context& ctx, std::string text, Args args);
  template <typename R>
  static Task<R> run(StatePtr state, Context& ctx, Work work, std::shared_ptr<std::optional<R>> outcome);

  StatePtr state_;
};

/// "sqlite:///absolute/path.db", "sqlite://relative.db", "sqlite://:memory:", "mysql://user:password@host:3306/database" (mysql.hpp). SQLite opens files and blocks: for start-up. InvalidArgument for an
/// unknown scheme, Unimplemented for a driver that is not in this build, else what the database says, with the path in front.
Result<Pool> open(std::string_view url, PoolOptions options);
inline Result<Pool> open(std::string_view url) { return open(url, PoolOptions{}); }

// ---- detail ----

namespace detail {
Error no_row();
template <typename T>
Result<std::optional<T>> first(Rows rows) {
  YUN_GET(decoded, decode<T>(std::move(rows)));
  if (decoded.empty()) return std::optional<T>();
  return std::optional<T>(std::move(decoded.front()));
}
template <typename T>
Result<T> only(Rows rows) {
  YUN_GET(found, first<T>(std::move(rows)));
  if (!found) return no_row();
  return *std::move(found);
}
}  // namespace detail

template <Row T, typename... A>
Result<std::vector<T>> Transaction::all(std::string_view text, const A&... args) {
  const Args bound = Args::of(args...);
  if (auto checked = bound.check(); !checked) return std::move(checked).error();
  YUN_GET(rows, session_.query(text, bound.values(), Take::All));
  return decode<T>(std::move(rows));
}

template <Row T, typename... A>
Result<T> Transaction::one(std::string_view text, const A&... args) {
  const Args bound = Args::of(args...);
  if (auto checked = bound.check(); !checked) return std::move(checked).error();
  YUN_GET(rows, session_.query(text, bound.values(), Take::First));
  return detail::only<T>(std::move(rows));
}

template <Row T, typename... A>
Result<std::optional<T>> Transaction::maybe(std::string_view text, const A&... args) {
  const Args bound = Args::of(args...);
  if (auto checked = bound.check(); !checked) return std::move(checked).error();
  YUN_GET(rows, session_.query(text, bound.values(), Take::First));
  return detail::first<T>(std::move(rows));
}

template <typename... A>
Result<Changes> Transaction::execute(std::string_view text, const A&... args) {
  const Args bound = Args::of(args...);
  if (auto checked = bound.check(); !checked) return std::move(checked).error();
  return session_.execute(text, bound.values());
}

template <typename T>
Task<Result<std::vector<T>>> Pool::read_all(StatePtr state, Context& ctx, std::string text, Args args) {
  auto reading = read(std::move(state), ctx, std::move(text), std::move(args), Take::All);
  YUN_TRY(rows, co_await std::move(reading));
  co_return decode<T>(std::move(rows));
}

template <typename T>
Task<Result<T>> Pool::read_one(StatePtr state, Context& ctx, std::string text, Args args) {
  auto reading = read(std::move(state), ctx, std::move(text), std::move(args), Take::First);
  YUN_TRY(rows, co_await std::move(reading));
  co_return detail::only<T>(std::move(rows));
}

template <typename T>
Task<Result<std::optional<T>>> Pool::read_maybe(StatePtr state, Context& ctx, std::string text, Args args) {
  auto reading = read(std::move(state), ctx, std::move(text), std::move(args), Take::First);
  YUN_TRY(rows, co_await std::move(reading));
  co_return detail::first<T>(std::move(rows));
}

template <typename R>
Task<R> Pool::run(StatePtr state, Context& ctx, Work work, std::shared_ptr<std::optional<R>> outcome) {
  auto committing = commit(std::move(state), ctx, std::move(work));
  YUN_CHECK(co_await std::move(committing));
  co_return std::move(**outcome);
}

}  // namespace yun::sql
