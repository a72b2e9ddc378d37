// MySQL's and MariaDB's error numbers as Errors.
#include <mariadb/errmsg.h>
#include <mariadb/mysqld_error.h>

#include "yun/sql/mysql_connection.hpp"

namespace yun::sql {

namespace {
// Of MySQL 8 or MariaDB only, or older than the header's names.
constexpr unsigned kCheckFailedMysql = 3819;
constexpr unsigned kCheckFailedMariadb = 4025;
constexpr unsigned kTimeoutMysql = 3024;
constexpr unsigned kTimeoutMariadb = 1969;
constexpr unsigned kRecordChanged = 1020;
constexpr unsigned kConnectionKilled = 1927;
constexpr unsigned kReadOnlyMode = 1836;
constexpr unsigned kClosedByServer = 4031;  // MySQL 8: idle for too long

Error away(std::string message) { return unavailable(std::move(message)).with_reason("sql_unavailable").with_retry_after(std::chrono::seconds(1)); }
}  // namespace

bool is_fatal(unsigned number) {
  if (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR) return true;
  switch (number) {
    case ER_SERVER_SHUTDOWN:
    case ER_CON_COUNT_ERROR:
    case ER_NEW_ABORTING_CONNECTION:
    case ER_NET_PACKETS_OUT_OF_ORDER:
    case kConnectionKilled:
    case kClosedByServer: return true;
    default: return false;
  }
}

Error error_of(unsigned number, std::string_view text) {
  std::string message = "database: " + std::string(text) + " (" + std::to_string(number) + ")";
  if (is_fatal(number)) return away(std::move(message));
  switch (number) {
    case ER_DUP_ENTRY:
    case ER_DUP_ENTRY_WITH_KEY_NAME: return already_exists(std::move(message));
    case ER_BAD_NULL_ERROR:
    case ER_NO_DEFAULT_FOR_FIELD:
    case ER_NO_REFERENCED_ROW:
    case ER_NO_REFERENCED_ROW_2:
    case ER_ROW_IS_REFERENCED:
    case ER_ROW_IS_REFERENCED_2:
    case kCheckFailedMysql:
    case kCheckFailedMariadb: return failed_precondition(std::move(message));
    case ER_LOCK_DEADLOCK:
    case kRecordChanged: return Error(Code::Aborted, std::move(message)).with_reason("sql_deadlock");
    case ER_LOCK_WAIT_TIMEOUT: return Error(Code::Aborted, std::move(message)).with_reason("sql_lock_timeout");
    case ER_DATA_TOO_LONG:
    case ER_WARN_DATA_OUT_OF_RANGE:
    case ER_TRUNCATED_WRONG_VALUE:
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case WARN_DATA_TRUNCATED: return invalid_argument(std::move(message)).with_reason("sql_value");
    case ER_DISK_FULL:
    case ER_RECORD_FILE_FULL: return unavailable(std::move(message)).with_reason("storage_full").with_retry_after(std::chrono::seconds(5));
    case ER_OPTION_PREVENTS_STATEMENT:
    case kReadOnlyMode: return unavailable(std::move(message)).with_reason("sql_read_only").with_retry_after(std::chrono::seconds(1));
    case ER_TABLE_EXISTS_ERROR:
    case ER_DUP_KEYNAME:
    case ER_DUP_FIELDNAME:
    case ER_CANT_DROP_FIELD_OR_KEY:
    case ER_BAD_TABLE_ERROR: return failed_precondition(std::move(message)).with_reason("sql_schema_there");
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_BAD_DB_ERROR: return unavailable(std::move(message)).with_reason("sql_refused");
    case ER_QUERY_INTERRUPTED: return cancelled(std::move(message));
    case kTimeoutMysql:
    case kTimeoutMariadb: return deadline_exceeded(std::move(message));
    default: return internal_error(std::move(message));
  }
}

}  // namespace yun::sql
