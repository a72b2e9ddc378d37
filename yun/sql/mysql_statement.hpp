#pragma once
// A prepared statement of MySQL: its arguments in, its rows out. Private to the driver.

#include <mariadb/mysql.h>

#include <string>
#include <vector>

#include "yun/sql/driver.hpp"

namespace yun::sql {

class MysqlStatement {
 public:
  MysqlStatement(MYSQL_STMT* handle, std::string text);
  ~MysqlStatement() { mysql_stmt_close(handle_); }
  MysqlStatement(const MysqlStatement&) = delete;
  MysqlStatement& operator=(const MysqlStatement&) = delete;

  const std::string& text() const { return text_; }
  MYSQL_STMT* handle() const { return handle_; }

  /// InvalidArgument for a wrong number of arguments. They are read by execute(): `args` must live until then.
  Result<void> bind(std::span<const Value> args);
  /// False: mysql_stmt_errno says why.
  bool execute() { return mysql_stmt_execute(handle_) == 0; }
  bool has_rows() const { return !columns_.empty(); }

  struct Limits {
    Take take;
    std::size_t rows;
    std::size_t bytes;
  };
  /// What fetch() came to an end with.
  enum class End : std::uint8_t { Done, TooLarge, Failed };
  End fetch(const Limits& limits, Rows& into);
  /// Drops what was not fetched.
  void finish() { mysql_stmt_free_result(handle_); }

 private:
  enum class Kind : std::uint8_t { Integer, Real, Decimal, Text, Blob };
  struct Column {
    std::string name;
    Kind kind = Kind::Text;
    bool is_unsigned = false;
    std::int64_t integer = 0;
    double real = 0;
    unsigned long length = 0;
    my_bool is_null = 0;
  };
  void describe();
  bool take_cell(unsigned index, Rows& into, std::size_t& bytes);

  MYSQL_STMT* handle_;
  std::string text_;
  std::vector<MYSQL_BIND> arguments_;
  std::vector<Column> columns_;
  std::vector<MYSQL_BIND> results_;
};

}  // namespace yun::sql
