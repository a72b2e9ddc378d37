#pragma once
// Conditional and range requests (RFC 9110 13 and 14), as pure functions: headers in, decision out.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "yun/base/units.hpp"
#include "yun/http/message.hpp"

namespace yun::http {

/// What is known of the thing that is asked for.
struct Validators {
  std::string etag;               ///< with its quotes, W/ before a weak one; "" for none
  std::chrono::sys_seconds time;  ///< last modified
};

enum class Condition : std::uint8_t { Met, NotModified, Failed };
/// If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110 13.2.2: go on, 304 or 412.
Condition check_conditions(const Request& request, const Validators& validators);

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool operator==(const Range&) const = default;
};
struct RangeDecision {
  enum class Kind : std::uint8_t { Whole, Part, Unsatisfiable } kind = Kind::Whole;
  Range part;
};
/// What Range (and If-Range) ask of a thing of `size` bytes. Several ranges, other units and bad syntax give the whole.
RangeDecision decide_range(const Request& request, const Validators& validators, std::uint64_t size);

/// IMF-fixdate and the two obsolete forms of RFC 9110 5.6.7; nullopt for anything else.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

/// Does a list of entity tags ("*" too) have this one? Weakly: W/ does not matter.
bool etag_listed(std::string_view list, std::string_view etag);

}  // namespace yun::http
