#include "yun/sql/mysql_connection.hpp"

#include <mariadb/mysql.h>
#include <poll.h>
#include <sys/socket.h>

#include <mutex>

#include "yun/sql/mysql_statement.hpp"

namespace yun::sql {

namespace {
constexpr Duration kTrusted = std::chrono::seconds(10);  // an idle connection younger than that is not pinged: a look at its socket will do
constexpr std::size_t kNoStatements = 8;

/// Strict as MySQL 8 is by default, on servers that are not; "x" is a name as in standard SQL.
constexpr const char* kSession =
    "set names utf8mb4, time_zone = '+00:00', "
    "sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'";

std::string_view statement_of(Isolation isolation) {
  switch (isolation) {
    case Isolation::ReadCommitted: return "set transaction isolation level read committed";
    case Isolation::RepeatableRead: return "set transaction isolation level repeatable read";
    case Isolation::Serializable: return "set transaction isolation level serializable";
    case Isolation::Default: break;
  }
  return {};
}
}  // namespace

class MysqlConnection::Prepared : public MysqlStatement {
 public:
  using MysqlStatement::MysqlStatement;
};

Result<std::unique_ptr<MysqlConnection>> MysqlConnection::open(const MysqlTarget& target, const PoolOptions& options) {
  static std::once_flag once;
  std::call_once(once, [] { (void)mysql_library_init(0, nullptr, nullptr); });
  MYSQL* handle = mysql_init(nullptr);
  if (!handle) return resource_exhausted("out of memory");
  const auto seconds = static_cast<unsigned>(std::max<long long>(1, std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count()));
  mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  std::string session = kSession;
  // In a comment that only MariaDB reads.
  if (target.idle_transaction.count() > 0)
    session += " /*M!100300 , session idle_write_transaction_timeout = " + std::to_string(target.idle_transaction.count()) + " */";
  mysql_options(handle, MYSQL_INIT_COMMAND, session.c_str());
  const my_bool no = 0;
  const my_bool yes = 1;
  if (target.tls == MysqlTarget::Tls::Off) {
    mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &no);
    mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
  } else {
    mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &yes);
    const bool verify = target.tls == MysqlTarget::Tls::Verify;
    mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, verify ? &yes : &no);
    if (!target.ca.empty()) mysql_options(handle, MYSQL_OPT_SSL_CA, target.ca.c_str());
  }
  std::unique_ptr<MysqlConnection> connection(new MysqlConnection(handle, options));
  const char* socket = target.socket.empty() ? nullptr : target.socket.c_str();
  // CLIENT_FOUND_ROWS: an update that changes nothing counts what it found, as everywhere else.
  if (!mysql_real_connect(handle, socket ? "localhost" : target.host.c_str(), target.user.c_str(), target.password.c_str(), target.database.c_str(), target.port, socket, CLIENT_FOUND_ROWS))
    return error_of(mysql_errno(handle), mysql_error(handle)).with_context("mysql at " + (socket ? target.socket : target.host + ":" + std::to_string(target.port)));
  connection->fd_ = static_cast<int>(mysql_get_socket(handle));
  // The library goes on in plain text with a server that offers no TLS, whatever it was told.
  if (target.tls != MysqlTarget::Tls::Off && !mysql_get_ssl_cipher(handle)) {
    return unavailable("mysql at " + target.host + ":" + std::to_string(target.port) + " offers no TLS, which the url asks for").with_reason("sql_unavailable");
  }
  return connection;
}

MysqlConnection::MysqlConnection(st_mysql* handle, const PoolOptions& options)
    : handle_(handle), fd_(-1), max_statements_(std::max<std::size_t>(options.max_statements, kNoStatements)), max_rows_(options.max_rows), max_bytes_(options.max_result_bytes) {}

MysqlConnection::~MysqlConnection() {
  if (broken_ && fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);  // or closing statements would wait for the server
  by_text_.clear();
  statements_.clear();
  mysql_close(handle_);
}

// ---- errors ----

Error MysqlConnection::fail(unsigned number, std::string_view message) {
  Error error = error_of(number, message);
  if (is_fatal(number)) broken_ = true;
  if (in_transaction_ && error.code() == Code::Aborted) lost_ = error;
  return error;
}

Error MysqlConnection::failed_connection() { return fail(::mysql_errno(handle_), ::mysql_error(handle_)); }

// ---- statements ----

void MysqlConnection::forget(Prepared* prepared) {
  const auto found = by_text_.find(prepared->text());
  if (found == by_text_.end()) return;
  const auto at = found->second;
  by_text_.erase(found);
  statements_.erase(at);
}

Result<MysqlConnection::Prepared*> MysqlConnection::prepare(std::string_view text) {
  if (const auto found = by_text_.find(text); found != by_text_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return found->second->get();
  }
  MYSQL_STMT* handle = mysql_stmt_init(handle_);
  if (!handle) return resource_exhausted("out of memory");
  if (mysql_stmt_prepare(handle, text.data(), text.size()) != 0) {
    Error error = fail(mysql_stmt_errno(handle), mysql_stmt_error(handle));
    mysql_stmt_close(handle);
    return error;
  }
  if (statements_.size() >= max_statements_) {
    by_text_.erase(statements_.back()->text());
    statements_.pop_back();
  }
  statements_.push_front(std::make_unique<Prepared>(handle, std::string(text)));
  by_text_.emplace(statements_.front()->text(), statements_.begin());
  return statements_.front().get();
}

Result<MysqlConnection::Prepared*> MysqlConnection::run(std::string_view text, std::span<const Value> args) {
  if (lost_) return *lost_;
  for (bool again = false;; again = true) {
    YUN_GET(prepared, prepare(text));
    if (auto bound = prepared->bind(args); !bound) return std::move(bound).error();
    if (prepared->execute()) return prepared;
    const unsigned number = mysql_stmt_errno(prepared->handle());
    Error error = fail(number, mysql_stmt_error(prepared->handle()));
    // A table was altered under it, or the server forgot it: neither has run anything.
    const bool stale = number == 1615 || number == 1243;  // ER_NEED_REPREPARE, ER_UNKNOWN_STMT_HANDLER
    if (stale || broken_) forget(prepared);
    if (!stale || again) return error;
  }
}

Result<Rows> MysqlConnection::query(std::string_view text, std::span<const Value> args, Take take) {
  YUN_GET(prepared, run(text, args));
  Rows rows;
  if (!prepared->has_rows()) return rows;
  const auto end = prepared->fetch({.take = take, .rows = max_rows_, .bytes = max_bytes_}, rows);
  if (end == MysqlStatement::End::Failed) {
    Error error = fail(mysql_stmt_errno(prepared->handle()), mysql_stmt_error(prepared->handle()));
    if (!broken_) prepared->finish();
    return error;
  }
  if (end == MysqlStatement::End::TooLarge) {
    broken_ = true;  // reading the rest to its end could take for ever
    return resource_exhausted("result is over the pool's limit of " + std::to_string(max_rows_) + " rows or " + std::to_string(max_bytes_) + " bytes");
  }
  prepared->finish();
  return rows;
}

Result<Changes> MysqlConnection::execute(std::string_view text, std::span<const Value> args) {
  YUN_GET(prepared, run(text, args));
  if (prepared->has_rows()) {
    prepared->finish();
    return Changes{};
  }
  return Changes{.rows = static_cast<std::int64_t>(mysql_stmt_affected_rows(prepared->handle())), .last_id = static_cast<std::int64_t>(mysql_stmt_insert_id(prepared->handle()))};
}

Result<void> MysqlConnection::control(std::string_view text) {
  if (mysql_real_query(handle_, text.data(), text.size()) != 0) return failed_connection();
  return {};
}

Result<void> MysqlConnection::script(std::string_view text) {
  if (lost_) return *lost_;
  if (mysql_set_server_option(handle_, MYSQL_OPTION_MULTI_STATEMENTS_ON) != 0) return failed_connection();
  Result<void> outcome = control(text);
  while (outcome) {
    if (MYSQL_RES* rows = mysql_store_result(handle_)) mysql_free_result(rows);
    const int next = mysql_next_result(handle_);
    if (next < 0) break;
    if (next > 0) outcome = failed_connection();
  }
  if (!broken_ && mysql_set_server_option(handle_, MYSQL_OPTION_MULTI_STATEMENTS_OFF) != 0) return failed_connection();
  return outcome;
}

// ---- transactions ----

Result<void> MysqlConnection::begin(Isolation isolation) {
  if (const auto level = statement_of(isolation); !level.empty()) {
    if (auto set = control(level); !set) return set;
  }
  if (auto begun = control("start transaction"); !begun) return begun;
  in_transaction_ = true;
  lost_.reset();
  return {};
}

Result<void> MysqlConnection::commit() {
  if (!(handle_->server_status & SERVER_STATUS_IN_TRANS)) {
    in_transaction_ = false;
    return internal_error("a statement of the transaction has ended it (a commit, or one that commits by itself such as create table)");
  }
  in_transaction_ = false;
  auto done = control("commit");
  if (!done && broken_) {
    return unavailable("the connection broke while the transaction was committed; whether it was is not known").with_reason("sql_commit_unknown").caused_by(std::move(done).error());
  }
  return done;
}

void MysqlConnection::rollback() {
  in_transaction_ = false;
  lost_.reset();
  if (!broken_ && !control("rollback")) broken_ = true;
}

// ---- life ----

bool MysqlConnection::is_alive(TimePoint now) {
  pollfd one{fd_, POLLIN, 0};
  if (broken_ || ::poll(&one, 1, 0) != 0) return false;  // a server has nothing to say between two calls but goodbye
  return now - idle_since_ < kTrusted || mysql_ping(handle_) == 0;
}

void MysqlConnection::interrupt() { ::shutdown(fd_, SHUT_RDWR); }

unsigned long MysqlConnection::id() const { return mysql_thread_id(handle_); }

}  // namespace yun::sql
