#pragma once
// The inner loop of writing JSON text: bytes that need neither an escape nor a check are copied in large steps.

#include <cstddef>
#include <string_view>

namespace yun::json::detail {

/// Copies the bytes at the front of `text` that stand for themselves (ASCII but quote, backslash and controls) to `to`, which has room for
/// text.size() bytes; gives their number.
std::size_t copy_plain(char* to, std::string_view text);

/// The escape of one ASCII byte at `to`, six bytes at the most; gives the end.
char* write_escape(char* to, char c);
/// The run of bytes beyond ASCII at the front of `text`, which is taken from it; U+FFFD for what is no UTF-8, so three bytes for one at the most.
char* write_run(char* to, std::string_view& text);
/// How long that run is.
std::size_t run_size(std::string_view text);

/// `text` quoted and escaped, at `to`; gives the end. Room for quoted_room(text.size()) is there.
char* write_quoted(char* to, std::string_view text);
constexpr std::size_t quoted_room(std::size_t size) { return 6 * size + 2; }

}  // namespace yun::json::detail
