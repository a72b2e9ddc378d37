#include "yun/sql/sqlite.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "yun/runtime/loop.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/sql/sqlite_connection.hpp"
#include "yun/sql/sqlite_writer.hpp"

namespace yun::sql {

namespace {

/// Connections for readers: at most one a pool thread, opened when first needed.
class Readers {
 public:
  Readers(std::string path, const PoolOptions& options) : path_(std::move(path)), options_(options) {}

  /// Nullopt if the statement writes.
  Result<std::optional<Rows>> query(const Statement& statement, const std::atomic<bool>& gone, TimePoint deadline) {
    YUN_GET(connection, take());
    connection->stop_when(&gone, deadline);
    Result<std::optional<Rows>> outcome = run(*connection, statement);
    connection->stop_when(nullptr, TimePoint::max());
    const bool healthy = outcome || outcome.error().reason() != "storage_error";
    if (healthy) give_back(std::move(connection));
    return outcome;
  }

 private:
  static Result<std::optional<Rows>> run(SqliteConnection& connection, const Statement& statement) {
    YUN_GET(read_only, connection.is_read_only(statement.text));
    if (!read_only) return std::optional<Rows>();
    YUN_GET(rows, connection.query(statement.text, statement.args, statement.take));
    return std::optional<Rows>(std::move(rows));
  }

  Result<std::unique_ptr<SqliteConnection>> take() {
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return SqliteConnection::open(path_, Access::Read, options_);
  }

  void give_back(std::unique_ptr<SqliteConnection> connection) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }

  const std::string path_;
  const PoolOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<SqliteConnection>> idle_;
};

class Sqlite final : public Driver {
 public:
  Sqlite(const std::string& path, const PoolOptions& options, std::unique_ptr<SqliteConnection> writer, runtime::Fd lock)
      : lock_(std::move(lock)), readers_(path, options), writer_(path, options, std::move(writer)) {
    const bool shared = path == ":memory:" || options.readers == 0;
    if (!shared) threads_.emplace(runtime::BlockingPool::Options{.threads = options.readers, .max_queued = options.max_queued_reads});
  }

  Task<Result<Rows>> query(Cancel& cancel, Statement statement) override {
    reads_.fetch_add(1, std::memory_order_relaxed);
    auto shared = std::make_shared<Statement>(std::move(statement));
    if (threads_) {
      auto gone = std::make_shared<std::atomic<bool>>(false);
      const TimePoint deadline = cancel.deadline();
      auto work = [this, shared, gone, deadline] { return readers_.query(*shared, *gone, deadline); };
      auto reading = threads_->run(cancel, std::move(work));
      auto rows = co_await std::move(reading);
      if (!rows) {
        gone->store(true, std::memory_order_relaxed);
        co_return rename_full(std::move(rows).error());
      }
      if (*rows) co_return std::move(**rows);
    }
    auto rows = std::make_shared<Rows>();
    Work work = [shared, rows](Session& session) -> Result<void> {
      YUN_GET(found, session.query(shared->text, shared->args, shared->take));
      *rows = std::move(found);
      return {};
    };
    auto writing = writer_.run(cancel, std::move(work));
    YUN_CHECK(co_await std::move(writing));
    co_return std::move(*rows);
  }

  Task<Result<void>> transaction(Cancel& cancel, Work work) override { return writer_.run(cancel, std::move(work)); }

  Dialect dialect() const override { return Dialect::Sqlite; }

  Stats stats() const override {
    Stats stats;
    stats.reads = reads_.load(std::memory_order_relaxed);
    writer_.add_to(stats);
    return stats;
  }

 private:
  static Error rename_full(Error error) {
    if (error.reason() != "blocking_pool_full") return error;
    return unavailable("too many queries wait for the database").with_reason("sql_queue_full").with_retry_after(std::chrono::seconds(1));
  }

  runtime::Fd lock_;
  std::atomic<std::uint64_t> reads_{0};
  Readers readers_;
  SqliteWriter writer_;
  std::optional<runtime::BlockingPool> threads_;
};

/// Makes the file if it is not there, for the owner alone. Never opens one that is: closing it would drop the locks of another
/// pool here.
Result<void> create(const std::string& path) {
  const runtime::Fd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made && errno != EEXIST) return from_errno(errno, "database " + path);
  return {};
}

Result<runtime::Fd> lock(const std::string& path) {
  const std::string name = path + ".lock";
  runtime::Fd file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return from_errno(errno, name);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return from_errno(errno, name);
  return unavailable("database " + path + " is in use by another process").with_reason("database_locked");
}

}  // namespace

Result<std::shared_ptr<Driver>> open_sqlite(std::string_view rest, const PoolOptions& options) {
  const std::string path(rest);
  if (path.empty()) return invalid_argument("sqlite url has no path; write sqlite:///path/to/file.db");
  if (path.find('?') != std::string::npos) return invalid_argument("sqlite url \"" + path + "\" has parameters; options go in PoolOptions");
  runtime::Fd locked;
  if (path != ":memory:") {
    Result<void> made = create(path);
    if (!made) return std::move(made).error();
    if (options.exclusive) {
      YUN_GET(file, lock(path));
      locked = std::move(file);
    }
  }
  auto writer = SqliteConnection::open(path, Access::Write, options);
  if (!writer) return std::move(writer).error().with_context("database " + path);
  return std::shared_ptr<Driver>(std::make_shared<Sqlite>(path, options, *std::move(writer), std::move(locked)));
}

}  // namespace yun::sql
