#pragma once
// What a database must do to be one of Yun's. A driver moves statements and rows; metrics, spans and struct mapping are the Pool's.
// A new driver is one file and one line in the table of open.cpp, proven by conformance.hpp.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/runtime/cancel.hpp"
#include "yun/runtime/task.hpp"
#include "yun/sql/rows.hpp"

namespace yun::sql {

/// Whose SQL it is, for schemas: what changes rows can be written so that all take it.
enum class Dialect : std::uint8_t { Sqlite, Mysql };

/// Where a database is, for spans.
struct Place {
  std::string host = {};  ///< "": in this process
  std::uint16_t port = 0;
  std::string database = {};
};

/// How much of a result is wanted.
enum class Take : std::uint8_t { All, First };

/// One statement with its arguments, owned.
struct Statement {
  std::string text;
  std::vector<Value> args;
  Take take = Take::All;
};

/// One connection inside a transaction, used by one thread at a time; calls block. One statement a call, but for script().
///
/// Errors of every driver: AlreadyExists for a unique or primary key, FailedPrecondition for another constraint, Aborted when another
/// transaction stands in the way (try again), Unavailable with reason storage_full or storage_error when the disk fails,
/// InvalidArgument for a wrong number of arguments, Internal for wrong SQL, ResourceExhausted for a result over its limits.
class Session {
 public:
  virtual ~Session() = default;
  virtual Result<Rows> query(std::string_view text, std::span<const Value> args, Take take) = 0;
  virtual Result<Changes> execute(std::string_view text, std::span<const Value> args) = 0;
  /// Several statements, no arguments.
  virtual Result<void> script(std::string_view text) = 0;
};

/// The body of a transaction, run on a thread where it may block. An error rolls back. Run again from its beginning when the database has
/// broken the transaction off in favour of another one (a deadlock): what it did there is undone by then, what it did elsewhere is not.
using Work = std::move_only_function<Result<void>(Session&)>;
/// What `work` says; an exception is a bug, and becomes an Internal error.
Result<void> call(Work& work, Session& session);

/// Counted since the pool was opened.
struct Stats {
  std::uint64_t reads = 0;
  std::uint64_t transactions = 0;  ///< write transactions that were committed
  std::uint64_t rolled_back = 0;   ///< those that gave an error
  std::uint64_t commits = 0;       ///< commits made for them: each waits for the disk once
  std::uint64_t skipped = 0;       ///< whose caller had gone before they began
  std::uint64_t refused = 0;       ///< whose queue was full
  std::uint64_t queued = 0;        ///< write transactions that wait now; of a server's pool all calls that do
  std::uint64_t busy = 0;          ///< connections to a server that are at work now
  std::uint64_t limit = 0;         ///< and how many may be; 0: not that kind of driver
};

/// Thread-safe; callers are on any loop. A Cancel that ends while a call waits gives its error at once.
class Driver {
 public:
  virtual ~Driver() = default;
  /// Outside of a transaction. Sees everything that was acknowledged before it began.
  virtual Task<Result<Rows>> query(Cancel& cancel, Statement statement) = 0;
  /// Ok means: committed and on disk. An error of `work` comes back as it is. When `cancel` ends after `work` began, the transaction runs
  /// to its end unseen and its outcome is unknown to the caller.
  virtual Task<Result<void>> transaction(Cancel& cancel, Work work) = 0;
  /// One statement that writes, in a transaction of its own; what transaction() says holds. Default: by transaction().
  virtual Task<Result<Changes>> execute(Cancel& cancel, Statement statement);
  virtual Dialect dialect() const = 0;
  virtual Place place() const { return {}; }
  /// Runs `work` on one connection while nobody else, on any machine, runs one of that `name` on this database. In a transaction, but for Mysql, where
  /// create table and the like commit by themselves. Default: transaction().
  virtual Task<Result<void>> exclusively(Cancel& cancel, std::string name, Work work);
  virtual Stats stats() const = 0;
};

}  // namespace yun::sql
