#include "yun/sql/mysql_statement.hpp"

#include "yun/base/strings.hpp"

namespace yun::sql {

namespace {

constexpr unsigned kBinaryCharset = 63;

/// Arguments are not copied: what they point to is the caller's.
struct Binder {
  MYSQL_BIND& bind;
  void operator()(std::monostate) const { bind.buffer_type = MYSQL_TYPE_NULL; }
  void operator()(const std::int64_t& number) const { number_of(MYSQL_TYPE_LONGLONG, &number); }
  void operator()(const std::uint64_t& number) const {
    number_of(MYSQL_TYPE_LONGLONG, &number);
    bind.is_unsigned = 1;
  }
  void operator()(const double& number) const { number_of(MYSQL_TYPE_DOUBLE, &number); }
  void operator()(const std::string& text) const { bytes_of(MYSQL_TYPE_STRING, text); }
  void operator()(const Blob& blob) const { bytes_of(MYSQL_TYPE_BLOB, blob.bytes); }

  void number_of(enum_field_types type, const void* number) const {
    bind.buffer_type = type;
    bind.buffer = const_cast<void*>(number);
  }
  void bytes_of(enum_field_types type, const std::string& bytes) const {
    bind.buffer_type = type;
    bind.buffer = const_cast<char*>(bytes.data());
    bind.buffer_length = bytes.size();
  }
};

}  // namespace

MysqlStatement::MysqlStatement(MYSQL_STMT* handle, std::string text) : handle_(handle), text_(std::move(text)) { describe(); }

void MysqlStatement::describe() {
  MYSQL_RES* fields = mysql_stmt_result_metadata(handle_);
  if (!fields) return;
  const unsigned count = mysql_num_fields(fields);
  columns_.resize(count);
  results_.resize(count);
  for (unsigned i = 0; i < count; ++i) {
    const MYSQL_FIELD& field = *mysql_fetch_field_direct(fields, i);
    Column& column = columns_[i];
    column.name.assign(field.name, field.name_length);
    column.is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
    MYSQL_BIND& bind = results_[i];
    bind = {};
    bind.length = &column.length;
    bind.is_null = &column.is_null;
    switch (field.type) {
      case MYSQL_TYPE_TINY:
      case MYSQL_TYPE_SHORT:
      case MYSQL_TYPE_INT24:
      case MYSQL_TYPE_LONG:
      case MYSQL_TYPE_LONGLONG:
      case MYSQL_TYPE_YEAR:
        column.kind = Kind::Integer;
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = &column.integer;
        bind.is_unsigned = column.is_unsigned;
        continue;
      case MYSQL_TYPE_FLOAT:
      case MYSQL_TYPE_DOUBLE:
        column.kind = Kind::Real;
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = &column.real;
        continue;
      case MYSQL_TYPE_DECIMAL:
      case MYSQL_TYPE_NEWDECIMAL: column.kind = field.decimals == 0 ? Kind::Decimal : Kind::Text; break;
      case MYSQL_TYPE_BIT: column.kind = Kind::Blob; break;
      case MYSQL_TYPE_TINY_BLOB:
      case MYSQL_TYPE_MEDIUM_BLOB:
      case MYSQL_TYPE_LONG_BLOB:
      case MYSQL_TYPE_BLOB:
      case MYSQL_TYPE_VARCHAR:
      case MYSQL_TYPE_VAR_STRING:
      case MYSQL_TYPE_STRING: column.kind = field.charsetnr == kBinaryCharset ? Kind::Blob : Kind::Text; break;
      default: column.kind = Kind::Text; break;  // dates, times, JSON: as the server writes them
    }
    bind.buffer_type = MYSQL_TYPE_STRING;  // no buffer: the length comes with the row, the bytes by mysql_stmt_fetch_column
  }
  mysql_free_result(fields);
}

Result<void> MysqlStatement::bind(std::span<const Value> args) {
  const std::size_t wanted = mysql_stmt_param_count(handle_);
  if (args.size() != wanted) return invalid_argument("sql statement wants " + std::to_string(wanted) + " arguments, " + std::to_string(args.size()) + " were given");
  arguments_.assign(args.size(), MYSQL_BIND{});
  for (std::size_t i = 0; i < args.size(); ++i) std::visit(Binder{arguments_[i]}, args[i]);
  if (!arguments_.empty() && mysql_stmt_bind_param(handle_, arguments_.data()) != 0) return internal_error(std::string("database: ") + mysql_stmt_error(handle_));
  return {};
}

MysqlStatement::End MysqlStatement::fetch(const Limits& limits, Rows& into) {
  for (const Column& column : columns_) into.columns.push_back(column.name);
  if (mysql_stmt_bind_result(handle_, results_.data()) != 0) return End::Failed;
  std::size_t bytes = 0;
  for (std::size_t row = 0;; ++row) {
    const int state = mysql_stmt_fetch(handle_);
    if (state == MYSQL_NO_DATA) return End::Done;
    if (state != 0 && state != MYSQL_DATA_TRUNCATED) return End::Failed;
    if (limits.take == Take::First && row == 1) return End::Done;
    if (row == limits.rows) return End::TooLarge;
    for (unsigned i = 0; i < columns_.size(); ++i) {
      if (!take_cell(i, into, bytes)) return End::Failed;
      if (bytes > limits.bytes) return End::TooLarge;
    }
  }
}

bool MysqlStatement::take_cell(unsigned index, Rows& into, std::size_t& bytes) {
  const Column& column = columns_[index];
  bytes += sizeof(Value);
  if (column.is_null) {
    into.cells.emplace_back();
    return true;
  }
  if (column.kind == Kind::Integer) {
    if (column.is_unsigned && column.integer < 0) {
      into.cells.emplace_back(static_cast<std::uint64_t>(column.integer));
    } else {
      into.cells.emplace_back(column.integer);
    }
    return true;
  }
  if (column.kind == Kind::Real) {
    into.cells.emplace_back(column.real);
    return true;
  }
  std::string text(column.length, '\0');
  if (!text.empty()) {
    MYSQL_BIND bind{};
    unsigned long length = 0;
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = text.data();
    bind.buffer_length = text.size();
    bind.length = &length;
    if (mysql_stmt_fetch_column(handle_, &bind, index, 0) != 0) return false;
    text.resize(std::min<std::size_t>(length, text.size()));
  }
  bytes += text.size();
  if (column.kind == Kind::Blob) {
    into.cells.emplace_back(Blob{std::move(text)});
  } else if (const auto whole = column.kind == Kind::Decimal ? parse_i64(text) : std::nullopt) {
    into.cells.emplace_back(*whole);  // sums and the like of integers
  } else {
    into.cells.emplace_back(std::move(text));
  }
  return true;
}

}  // namespace yun::sql
