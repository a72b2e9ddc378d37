#pragma once
// One SQLite connection with its bounded cache of prepared statements. Private to the driver; used by one thread at a time.

#include <atomic>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "yun/sql/driver.hpp"
#include "yun/sql/pool.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace yun::sql {

enum class Access : std::uint8_t { Read, Write };

class SqliteConnection final : public Session {
 public:
  /// `path` as SQLite takes it.
  static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, Access access, const PoolOptions& options);
  ~SqliteConnection() override;

  Result<Rows> query(std::string_view text, std::span<const Value> args, Take take) override;
  Result<Changes> execute(std::string_view text, std::span<const Value> args) override;
  Result<void> script(std::string_view text) override;

  /// True if the statement changes nothing, so that a reader may run it.
  Result<bool> is_read_only(std::string_view text);
  /// begin, commit, savepoint and the like: what users may not say themselves.
  Result<void> control(const char* text);
  bool in_transaction() const;
  /// Deferred foreign keys that are still open: they would make the commit fail.
  bool has_open_foreign_keys() const;
  /// The storage error that made SQLite roll back by itself, since the last begin.
  const std::optional<Error>& lost() const { return lost_; }
  /// Statements from now on end with Cancelled once `*gone` is set, DeadlineExceeded after `deadline`; for reads.
  void stop_when(const std::atomic<bool>* gone, TimePoint deadline);
  /// Copies what it can from the log into the database file, so that the log can start again from its front.
  void checkpoint();

 private:
  struct Prepared {
    std::string text;
    sqlite3_stmt* handle = nullptr;
  };
  using List = std::list<Prepared>;
  class Run;

  SqliteConnection(sqlite3* handle, Access access, const PoolOptions& options);
  Result<void> set_up(const PoolOptions& options);
  Result<sqlite3_stmt*> prepare(std::string_view text);
  Result<void> bind(sqlite3_stmt* statement, std::span<const Value> args);
  Result<void> check_transaction() const;
  Error fail(int status);
  static int on_progress(void* self);
  static int authorize(void* self, int action, const char*, const char*, const char*, const char*);

  sqlite3* handle_;
  Access access_;
  std::size_t max_statements_;
  std::size_t max_rows_;
  std::size_t max_bytes_;
  List statements_;  ///< the last used first
  std::unordered_map<std::string_view, List::iterator> by_text_;
  bool controlling_ = false;
  std::optional<Error> lost_;
  const std::atomic<bool>* gone_ = nullptr;
  TimePoint deadline_ = TimePoint::max();
};

}  // namespace yun::sql
