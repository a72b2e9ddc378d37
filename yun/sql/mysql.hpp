#pragma once
// The mysql:// driver, on Debian's libmariadb: MariaDB 10.11 is what it is proven on, its SQL is kept to what MySQL 8 and TiDB take too.
//
//     mysql://user:password@host:3306/database?tls=verify&ca=/etc/ssl/certs/db.pem
//
// Calls run on threads of the pool, one connection a thread, opened when first needed. Statements are prepared once a connection. A call that is
// given up (its Context ended) has its connection cut at once and the server told to KILL it, so that no lock outlives it; the pool heals by itself.
// Text is utf8mb4, the session's time zone is UTC, sql_mode is strict, affected rows are those that were found.

#include <memory>
#include <string>
#include <string_view>

#include "yun/sql/driver.hpp"
#include "yun/sql/pool.hpp"

namespace yun::sql {

/// Where a database is and who asks.
struct MysqlTarget {
  enum class Tls : std::uint8_t { Off, Required, Verify };  ///< Required takes any certificate; Verify checks chain and host name
  std::string host;
  std::uint16_t port = 3306;
  std::string socket;  ///< a Unix socket in place of host and port
  std::string user;
  std::string password;
  std::string database;
  Tls tls = Tls::Off;
  std::string ca;  ///< PEM file; "" = the system's
  /// MariaDB only (MySQL has nothing like it): a transaction that has written and is then silent for so long is rolled back and its connection closed. So a program
  /// that is frozen between two statements does not hold its row locks for ever. Whole seconds; zero: no limit.
  std::chrono::seconds idle_transaction{};
};

/// `rest` is what follows "mysql://". Parameters: tls=off|required|verify, ca=FILE, socket=PATH, idle_transaction=1s. InvalidArgument says what is wrong, never the password.
Result<MysqlTarget> parse_mysql_url(std::string_view rest);

/// Connects to nothing yet: the first call does. Errors: parse_mysql_url's.
Result<std::shared_ptr<Driver>> open_mysql(std::string_view rest, const PoolOptions& options);

}  // namespace yun::sql
