#pragma once
// Rows: what a query gave, and how it becomes structs (column name = field name) or scalars (one column).

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "yun/json/reflect.hpp"
#include "yun/sql/value.hpp"

namespace yun::sql {

/// What a write did.
struct Changes {
  std::int64_t rows = 0;     ///< inserted, updated or deleted by the statement itself
  std::int64_t last_id = 0;  ///< the rowid of the last insert on this connection; 0 before the first
};

/// A result set, row after row in one vector.
struct Rows {
  std::vector<std::string> columns;
  std::vector<Value> cells;
  std::size_t size() const { return columns.empty() ? 0 : cells.size() / columns.size(); }
};

/// What a row can be read into: a plain struct of scalars, or a scalar when the query has one column.
template <typename T>
concept Row = std::default_initializable<T> && (Scalar<T> || json::reflect::Aggregate<T>);

/// Every row as a `T`. A field without its column is an Internal error that names it; columns without a field are ignored.
template <Row T>
Result<std::vector<T>> decode(Rows rows) {
  std::vector<T> decoded;
  const std::size_t width = rows.columns.size();
  if (width == 0) return decoded;
  decoded.reserve(rows.size());
  if constexpr (Scalar<T>) {
    if (width != 1) return internal_error("sql query gives " + std::to_string(width) + " columns, a scalar wants one");
    for (Value& cell : rows.cells) {
      T value{};
      Result<void> read = read_value(std::move(cell), rows.columns[0], value);
      if (!read) return std::move(read).error();
      decoded.push_back(std::move(value));
    }
  } else {
    constexpr auto names = json::reflect::names<T>();
    std::array<std::size_t, names.size()> places{};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto found = std::find(rows.columns.begin(), rows.columns.end(), names[i]);
      if (found == rows.columns.end()) return internal_error("sql query gives no column \"" + std::string(names[i]) + "\"");
      places[i] = static_cast<std::size_t>(found - rows.columns.begin());
    }
    for (std::size_t first = 0; first < rows.cells.size(); first += width) {
      T row{};
      std::optional<Error> fault;
      std::size_t i = 0;
      json::reflect::for_each(row, [&](std::string_view name, auto& field) {
        Value& cell = rows.cells[first + places[i++]];
        if (fault) return;
        Result<void> read = read_value(std::move(cell), name, field);
        if (!read) fault = std::move(read).error();
      });
      if (fault) return *std::move(fault);
      decoded.push_back(std::move(row));
    }
  }
  return decoded;
}

}  // namespace yun::sql
