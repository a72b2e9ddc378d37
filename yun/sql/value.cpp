#include "yun/sql/value.hpp"

namespace yun::sql {

std::string_view type_name(const Value& value) {
  static constexpr std::string_view kNames[] = {"null", "integer", "real", "text", "blob"};
  return kNames[value.index()];
}

void Args::refuse(std::string_view why) {
  if (fault_) return;
  fault_ = invalid_argument("sql argument " + std::to_string(values_.size() + 1) + " " + std::string(why));
}

namespace detail {

Error mismatch(std::string_view column, std::string_view wanted, const Value& value) {
  std::string message = "sql column \"" + std::string(column) + "\" is " + std::string(type_name(value)) + ", the field wants " + std::string(wanted);
  if (std::holds_alternative<std::monostate>(value)) message += " (make it optional)";
  return internal_error(std::move(message));
}

Error out_of_range(std::string_view column, std::int64_t value) {
  return internal_error("sql column \"" + std::string(column) + "\" holds " + std::to_string(value) + ", which does not fit in the field");
}

}  // namespace detail
}  // namespace yun::sql
