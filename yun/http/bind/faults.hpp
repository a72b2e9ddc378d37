#pragma once
// What binding a request's parameters found wrong, told all at once.

#include <optional>
#include <string>
#include <string_view>

#include "yun/http/message.hpp"

namespace yun::http {

/// Pointers: a body's field is "/email"; parameters are "/path/id", "/query/page" and "/header/idempotency-key".
class BindFaults {
 public:
  /// A value that is there but cannot be used: 422.
  void wrong(std::string_view where, std::string_view name, std::string detail);
  /// A required header or parameter that is not there: 400.
  void missing(std::string_view where, std::string_view name);
  /// The body's own error: 400, 413, 415, or 422 whose violations join the others.
  void body(Error error);

  bool empty() const { return violations_.empty() && !fatal_; }
  /// One error for all. A body that cannot be used at all (413, 415, unparsable) goes before everything, a missing header before 422.
  Error take();

 private:
  std::vector<FieldViolation> violations_;
  std::optional<Error> fatal_;
  std::string missing_;
};

/// "application/json", "application/problem+json; charset=utf-8"; false for "".
bool is_json(std::string_view content_type);
/// The 415 of a body that is not JSON.
Error not_json(std::string_view content_type);
/// Calls f(value) for each value of a query parameter, decoded; `f` gives false to stop.
template <typename F>
void each_query_value(std::string_view query, std::string_view name, F f);
/// Does `raw` (still encoded) name this parameter?
bool is_query_name(std::string_view raw, std::string_view name);
std::string decode_query(std::string_view raw);

template <typename F>
void each_query_value(std::string_view query, std::string_view name, F f) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const auto equals = pair.find('=');
    if (!is_query_name(pair.substr(0, equals), name)) continue;
    if (!f(equals == std::string_view::npos ? std::string() : decode_query(pair.substr(equals + 1)))) return;
  }
}

}  // namespace yun::http
