#pragma once
// Match: when a route is taken, as written in `match:`.
//
//     host(api.example.com, *.shop.test) && path(/api/users/*) && method(GET, POST) && header(x-canary, yes) && query(debug)
//
// Each condition at most once; the order does not matter. Paths: "/a/b" is exact, "/a/{id}" takes any one segment, "/a/*" takes "/a" and
// everything below it. Hosts: exact or "*.suffix" (one label or more). header(name) asks for presence, header(name, value) for that value.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/http/message.hpp"

namespace yun::gateway {

/// A path pattern, cut into segments.
struct PathPattern {
  std::string text = "/*";
  std::vector<std::string> segments;  ///< "" stands for a parameter
  std::vector<std::string> names;     ///< of the parameters, in order
  bool prefix = true;                 ///< ends in "/*"

  static Result<PathPattern> parse(std::string_view text);
  /// Whether a normalised path fits; `values` (may be null) gets the parameters.
  bool fits(std::string_view path, std::vector<std::string_view>* values) const;
  bool operator==(const PathPattern&) const = default;
};

struct Match {
  struct Field {
    std::string name;
    std::optional<std::string> value;
    bool operator==(const Field&) const = default;
  };
  std::vector<std::string> hosts;  ///< lower case; empty = any
  PathPattern path;
  std::vector<std::string> methods;  ///< empty = any
  std::vector<Field> headers;
  std::vector<Field> query;

  /// InvalidArgument with the offset of the fault in its message ("at 17: unknown condition \"pth\"; did you mean \"path\"?").
  static Result<Match> parse(std::string_view text);

  bool fits_host(std::string_view host) const;
  bool fits_method(std::string_view method) const;
  bool fits_fields(const http::Request& request) const;

  /// Larger wins: host exact over wildcard over any; then the path, segment by segment: text over parameter, exact over prefix, longer over
  /// shorter; then more conditions. Equal ranks of two routes that can both match are an error of the configuration.
  std::string rank() const;
  /// Whether some request could fit both (as far as hosts, methods and paths of the same shape tell).
  bool overlaps(const Match& other) const;
  bool operator==(const Match&) const = default;
};

}  // namespace yun::gateway
