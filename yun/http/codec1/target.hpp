#pragma once
// The request target: split into path and query, the path normalised once, so that what is matched is what is forwarded (RFC 3986 6.2.2).

#include <string>
#include <string_view>

#include "yun/http/codec1/text.hpp"

namespace yun::http::codec1 {

/// An origin-form target ("/a/b?c"): `path` gets the normalised path, `query` what is behind the first '?', raw.
/// Normalised: escapes of unreserved characters decoded, other escapes with upper-case digits, dot segments and doubled slashes resolved.
/// Null, or what is wrong: bytes that no target may have (control, space, non-ASCII, '#', '\'), a bad escape, %00, %2F, %5C in the path,
/// dot segments that climb above the root.
const ParseError* split_target(std::string_view target, std::string& path, std::string& query);

}  // namespace yun::http::codec1
