#include "yun/sql/sqlite_connection.hpp"

#include <sqlite3.h>

#include "yun/base/strings.hpp"

namespace yun::sql {

namespace {

constexpr int kStepsBetweenChecks = 10'000;

/// "UNIQUE constraint failed: users.email" -> "users.email".
std::string_view after_colon(std::string_view message) {
  const auto colon = message.find(": ");
  return colon == std::string_view::npos ? message : message.substr(colon + 2);
}

Error storage_error(Access access, std::string_view message) {
  const std::string_view reason = access == Access::Write ? "storage_full" : "storage_error";
  return unavailable("database storage: " + std::string(message))
      .with_reason(std::string(reason))
      .with_retry_after(std::chrono::seconds(1));
}

Error to_error(int extended, std::string_view message, Access access) {
  const int primary = extended & 0xff;
  const std::string words(message);
  switch (primary) {
    case SQLITE_CONSTRAINT:
      if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY || extended == SQLITE_CONSTRAINT_ROWID) {
        return already_exists("already exists: " + std::string(after_colon(message)));
      }
      return failed_precondition("database: " + words);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Error(Code::Aborted, "database is busy with another process's write").with_reason("sql_busy");
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: return storage_error(access, message);
    case SQLITE_READONLY:
      return unavailable("database: " + words).with_reason("storage_read_only").with_retry_after(std::chrono::seconds(1));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Error(Code::DataLoss, "database: " + words);
    case SQLITE_INTERRUPT: return cancelled("database query was cancelled");
    case SQLITE_NOMEM: return resource_exhausted("database: out of memory");
    case SQLITE_TOOBIG: return invalid_argument("database: " + words);
    case SQLITE_AUTH: return internal_error("database: statement is not allowed here (transactions are Pool::transaction's business)");
    default: return internal_error("database: " + words);
  }
}

Value read_column(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      return Blob{std::string(bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement, column)))};
    }
    default: return std::monostate();
  }
}

int bind_one(sqlite3_stmt* statement, int place, const Value& value) {
  struct Binder {
    sqlite3_stmt* statement;
    int place;
    int operator()(std::monostate) const { return sqlite3_bind_null(statement, place); }
    int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, place, number); }
    int operator()(std::uint64_t) const { return SQLITE_TOOBIG; }
    int operator()(double number) const { return sqlite3_bind_double(statement, place, number); }
    int operator()(const std::string& text) const {
      return sqlite3_bind_text64(statement, place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(const Blob& blob) const {
      return sqlite3_bind_blob64(statement, place, blob.bytes.data(), blob.bytes.size(), SQLITE_STATIC);
    }
  };
  return std::visit(Binder{statement, place}, value);
}

}  // namespace

/// Arguments are bound as SQLITE_STATIC: they live as long as this, which resets the statement at its end.
class SqliteConnection::Run {
 public:
  explicit Run(sqlite3_stmt* statement) : statement_(statement) {}
  ~Run() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

 private:
  sqlite3_stmt* statement_;
};

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path, Access access, const PoolOptions& options) {
  sqlite3* handle = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int status = sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle, access, options));
  if (status != SQLITE_OK) return to_error(status, handle ? sqlite3_errmsg(handle) : "out of memory", access);
  Result<void> ready = connection->set_up(options);
  if (!ready) return std::move(ready).error();
  return connection;
}

SqliteConnection::SqliteConnection(sqlite3* handle, Access access, const PoolOptions& options)
    : handle_(handle),
      access_(access),
      max_statements_(std::max<std::size_t>(1, options.max_statements)),
      max_rows_(options.max_rows),
      max_bytes_(options.max_result_bytes) {}

SqliteConnection::~SqliteConnection() {
  for (Prepared& prepared : statements_) sqlite3_finalize(prepared.handle);
  sqlite3_close_v2(handle_);
}

Result<void> SqliteConnection::set_up(const PoolOptions& options) {
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(options.busy_timeout).count();
  sqlite3_busy_timeout(handle_, static_cast<int>(wait));
  YUN_GET(mode, query("pragma journal_mode = wal", {}, Take::First));
  (void)mode;  // "memory" for :memory:, and a database that cannot have a log fails at its first write with words that say so
  const char* script_text = access_ == Access::Write
                                ? "pragma synchronous = full; pragma foreign_keys = on; pragma temp_store = memory; pragma trusted_schema = off;"
                                  "pragma journal_size_limit = 67108864; pragma wal_autocheckpoint = 1000;"
                                : "pragma foreign_keys = on; pragma temp_store = memory; pragma trusted_schema = off; pragma query_only = on;";
  Result<void> done = script(script_text);
  if (!done) return done;
  sqlite3_set_authorizer(handle_, &authorize, this);
  if (access_ == Access::Read) sqlite3_progress_handler(handle_, kStepsBetweenChecks, &on_progress, this);
  return {};
}

Result<Rows> SqliteConnection::query(std::string_view text, std::span<const Value> args, Take take) {
  YUN_GET(statement, prepare(text));
  Run run(statement);
  if (auto bound = bind(statement, args); !bound) return std::move(bound).error();
  Rows rows;
  const int width = sqlite3_column_count(statement);
  for (int i = 0; i < width; ++i) rows.columns.emplace_back(sqlite3_column_name(statement, i));
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (;;) {
    const int status = sqlite3_step(statement);
    if (status == SQLITE_DONE) return rows;
    if (status != SQLITE_ROW) return fail(status);
    if (++count > max_rows_) return resource_exhausted("query gives more than " + std::to_string(max_rows_) + " rows (max_rows)");
    for (int i = 0; i < width; ++i) {
      rows.cells.push_back(read_column(statement, i));
      bytes += sizeof(Value) + static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
    }
    if (bytes > max_bytes_) {
      return resource_exhausted("query gives more than " + std::to_string(max_bytes_) + " bytes (max_result_bytes)");
    }
    if (take == Take::First) return rows;
  }
}

Result<Changes> SqliteConnection::execute(std::string_view text, std::span<const Value> args) {
  YUN_GET(statement, prepare(text));
  Run run(statement);
  if (auto bound = bind(statement, args); !bound) return std::move(bound).error();
  const auto before = sqlite3_total_changes64(handle_);
  int status = SQLITE_ROW;
  while (status == SQLITE_ROW) status = sqlite3_step(statement);
  if (status != SQLITE_DONE) return fail(status);
  const bool changed = sqlite3_total_changes64(handle_) != before;
  return Changes{.rows = changed ? sqlite3_changes64(handle_) : 0, .last_id = sqlite3_last_insert_rowid(handle_)};
}

Result<void> SqliteConnection::script(std::string_view text) {
  if (auto alive = check_transaction(); !alive) return alive;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    int status = sqlite3_prepare_v2(handle_, at, static_cast<int>(end - at), &statement, &tail);
    if (status != SQLITE_OK) return fail(status);
    at = tail;
    if (!statement) continue;  // a comment, or spaces
    status = SQLITE_ROW;
    while (status == SQLITE_ROW) status = sqlite3_step(statement);
    std::optional<Error> fault;
    if (status != SQLITE_DONE) fault = fail(status);
    sqlite3_finalize(statement);
    if (fault) return *std::move(fault);
  }
  return {};
}

Result<bool> SqliteConnection::is_read_only(std::string_view text) {
  YUN_GET(statement, prepare(text));
  return sqlite3_stmt_readonly(statement) != 0;
}

Result<void> SqliteConnection::control(const char* text) {
  controlling_ = true;
  if (!in_transaction()) lost_.reset();
  Result<sqlite3_stmt*> statement = prepare(text);
  Result<void> done;
  if (!statement) {
    done = std::move(statement).error();
  } else {
    Run run(*statement);
    const int status = sqlite3_step(*statement);
    if (status != SQLITE_DONE) done = fail(status);
  }
  controlling_ = false;
  return done;
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

bool SqliteConnection::has_open_foreign_keys() const {
  int open = 0;
  int highest = 0;
  return sqlite3_db_status(handle_, SQLITE_DBSTATUS_DEFERRED_FKS, &open, &highest, 0) == SQLITE_OK && open != 0;
}

void SqliteConnection::stop_when(const std::atomic<bool>* gone, TimePoint deadline) {
  gone_ = gone;
  deadline_ = deadline;
}

void SqliteConnection::checkpoint() { sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr); }

Result<sqlite3_stmt*> SqliteConnection::prepare(std::string_view text) {
  if (auto alive = check_transaction(); !alive) return std::move(alive).error();
  if (auto found = by_text_.find(text); found != by_text_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return found->second->handle;
  }
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int status =
      sqlite3_prepare_v3(handle_, text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT, &statement, &tail);
  if (status != SQLITE_OK) return fail(status);
  const std::string_view rest = trim(std::string_view(tail, static_cast<std::size_t>(text.data() + text.size() - tail)));
  if (!statement || rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    sqlite3_finalize(statement);
    return internal_error("database: one statement a call, neither none nor several");
  }
  if (statements_.size() >= max_statements_) {
    by_text_.erase(statements_.back().text);
    sqlite3_finalize(statements_.back().handle);
    statements_.pop_back();
  }
  statements_.push_front({.text = std::string(text), .handle = statement});
  by_text_.emplace(statements_.front().text, statements_.begin());
  return statement;
}

Result<void> SqliteConnection::bind(sqlite3_stmt* statement, std::span<const Value> args) {
  const int wanted = sqlite3_bind_parameter_count(statement);
  if (wanted != static_cast<int>(args.size())) {
    return invalid_argument("statement has " + std::to_string(wanted) + " parameters, was given " + std::to_string(args.size()));
  }
  for (int i = 0; i < wanted; ++i) {
    const int status = bind_one(statement, i + 1, args[static_cast<std::size_t>(i)]);
    if (status != SQLITE_OK) return fail(status);
  }
  return {};
}

/// After a storage error SQLite may have rolled back by itself: what a transaction said next would be committed alone.
Result<void> SqliteConnection::check_transaction() const {
  if (lost_ && !controlling_) return *lost_;
  return {};
}

Error SqliteConnection::fail(int status) {
  Error error = to_error(status, sqlite3_errmsg(handle_), access_);
  if ((status & 0xff) == SQLITE_INTERRUPT && Clock::now() >= deadline_) {
    error = deadline_exceeded("database query took longer than its deadline");
  }
  if (access_ == Access::Write && !controlling_ && !in_transaction()) lost_ = error;
  return error;
}

int SqliteConnection::on_progress(void* self) {
  const auto& connection = *static_cast<SqliteConnection*>(self);
  if (connection.gone_ && connection.gone_->load(std::memory_order_relaxed)) return 1;
  return connection.deadline_ != TimePoint::max() && Clock::now() >= connection.deadline_ ? 1 : 0;
}

int SqliteConnection::authorize(void* self, int action, const char*, const char*, const char*, const char*) {
  const bool forbidden =
      action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT || action == SQLITE_ATTACH || action == SQLITE_DETACH;
  return forbidden && !static_cast<SqliteConnection*>(self)->controlling_ ? SQLITE_DENY : SQLITE_OK;
}

}  // namespace yun::sql
