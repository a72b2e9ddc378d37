#pragma once
// One MySQL connection with its bounded cache of prepared statements. Private to the driver; used by one thread at a time, but for interrupt().

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "yun/sql/driver.hpp"
#include "yun/sql/mysql.hpp"

struct st_mysql;

namespace yun::sql {

class MysqlConnection final : public Session {
 public:
  /// Blocks for at most the connect timeout. Unavailable with reason sql_unavailable (away) or sql_refused (account, database).
  static Result<std::unique_ptr<MysqlConnection>> open(const MysqlTarget& target, const PoolOptions& options);
  ~MysqlConnection() override;

  Result<Rows> query(std::string_view text, std::span<const Value> args, Take take) override;
  Result<Changes> execute(std::string_view text, std::span<const Value> args) override;
  Result<void> script(std::string_view text) override;

  Result<void> begin(Isolation isolation);
  /// Unavailable with reason sql_commit_unknown if the connection broke after the server may have had it.
  Result<void> commit();
  void rollback();
  /// What made the server roll the transaction back by itself (a deadlock), since begin(). Until rollback() every statement gives it again.
  const std::optional<Error>& lost() const { return lost_; }

  /// Not to be used again.
  bool is_broken() const { return broken_; }
  /// False if the server has closed it. Costs no round trip unless it was idle for long.
  bool is_alive(TimePoint now);
  TimePoint opened() const { return opened_; }
  TimePoint idle_since() const { return idle_since_; }
  void rest(TimePoint now) { idle_since_ = now; }

  /// From any thread while this object lives: whatever waits for the server fails at once, and the connection is broken.
  void interrupt();
  /// What KILL takes.
  unsigned long id() const;

 private:
  class Prepared;
  using List = std::list<std::unique_ptr<Prepared>>;

  MysqlConnection(st_mysql* handle, const PoolOptions& options);
  Result<Prepared*> prepare(std::string_view text);
  Result<Prepared*> run(std::string_view text, std::span<const Value> args);
  Result<void> control(std::string_view text);
  Error fail(unsigned number, std::string_view message);
  Error failed_connection();
  void forget(Prepared* prepared);

  st_mysql* handle_;
  int fd_;
  std::size_t max_statements_;
  std::size_t max_rows_;
  std::size_t max_bytes_;
  List statements_;  ///< the last used first
  std::unordered_map<std::string_view, List::iterator> by_text_;
  bool broken_ = false;
  bool in_transaction_ = false;
  std::optional<Error> lost_;
  const TimePoint opened_ = Clock::now();
  TimePoint idle_since_ = opened_;
};

/// The Error of a number that MySQL, MariaDB or TiDB gives.
Error error_of(unsigned number, std::string_view message);
/// Numbers after which a connection is of no use.
bool is_fatal(unsigned number);

}  // namespace yun::sql
