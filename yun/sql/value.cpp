#include "yun/sql/value.hpp"

namespace yun::sql {

std::string_view type_name(const Value& value) {
  static constexpr std::string_view kNames[] = {"null", "integer", "real", "text", "blob", "integer"};
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

Error out_of_range(std::string_view column, std::uint64_t value) {
  return internal_error("sql column \"" + std::string(column) + "\" holds " + std::to_string(value) + ", which does not fit in the field");
}

Result<void> read_time(std::string_view text, std::string_view column, Time& into) {
  std::string standard(text);
  if (standard.size() == 10) standard += " 00:00:00";
  if (standard.size() >= 19 && standard[10] == ' ') {
    standard[10] = 'T';
    standard += 'Z';
  }
  auto time = parse_time(standard);
  if (!time) return internal_error("sql column \"" + std::string(column) + "\" holds \"" + std::string(text) + "\", which is no date and time");
  into = *time;
  return {};
}

}  // namespace detail
}  // namespace yun::sql
