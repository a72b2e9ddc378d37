#pragma once
// Pattern: "/users/{id}/files/{path...}" taken apart. What may be written:
//
//     /users            these bytes, nothing else; a trailing slash counts
//     /users/{id}       one segment, never empty, up to the next slash; `/:id` is the same
//     /users/u_{id}     a parameter may have text before it in its segment, none behind it
//     /files/{path...}  the rest, slashes and all, may be empty; only at the end; `/files/*path` is the same, `/files/*` is called "*"
//
// Text outside of parameters is compared as the normalised path has it: what RFC 3986 does not allow in a path is percent-encoded here.

#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"

namespace yun::http {

struct Pattern {
  enum class Kind : unsigned char { Text, Parameter, Rest };
  struct Part {
    Kind kind;
    std::string text;  ///< the bytes to match, or the parameter's name
  };
  /// A pattern with more parameters is refused.
  static constexpr std::size_t kMostParameters = 16;

  std::string text;  ///< in braces: what metrics and OpenAPI show
  std::vector<Part> parts;

  /// InvalidArgument that names the pattern and what is wrong with it.
  static Result<Pattern> parse(std::string_view pattern);
  std::vector<std::string> parameters() const;
};

}  // namespace yun::http
