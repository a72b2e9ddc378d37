#pragma once
// A script of SQL cut into its statements. Private to the room.

#include <string_view>
#include <vector>

namespace yun::sql {

/// Without the ';' between them, trimmed; none is empty or nothing but comments. Knows strings and names in '..', ".." and `..` and comments
/// (--, #, /* */). Views into `script`.
std::vector<std::string_view> split_statements(std::string_view script);

}  // namespace yun::sql
