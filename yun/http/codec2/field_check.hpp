#pragma once
// What makes a header field malformed in HTTP/2 whatever it means (RFC 9113 8.2.1): the stream that carries one is reset.

#include <string_view>

namespace yun::http::codec2 {

/// A lower-case token (a pseudo-header's after its colon), and a value with no control byte but tab and no space at either end.
bool is_well_formed(std::string_view name, std::string_view value);

}  // namespace yun::http::codec2
