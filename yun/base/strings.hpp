#pragma once
// Text the way protocols need it: ASCII only, no locale, no allocation where a view will do.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace yun {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
std::string to_lower(std::string_view text);
/// `text` in lower case to `to`, which has room for text.size() bytes; `to` may be text.data().
void copy_lower(char* to, std::string_view text);
/// ASCII case-insensitive equality.
bool iequals(std::string_view left, std::string_view right);
/// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);
/// The parts between `separator`s, trimmed; "" gives none.
std::vector<std::string_view> split(std::string_view text, char separator);
/// A whole unsigned decimal, no sign, no space, no overflow.
std::optional<std::uint64_t> parse_u64(std::string_view text);
std::optional<std::int64_t> parse_i64(std::string_view text);

std::string to_hex(std::string_view bytes);
/// Sixteen lower-case digits to `to`; gives the end.
char* write_hex(char* to, std::uint64_t value);
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);
/// RFC 4648 5 without padding, as JWT has it; padding or other characters -> nullopt.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

/// RFC 3986 percent-decoding; nullopt for a bad escape. '+' stays '+', unless `plus_is_space` (form and query values).
enum class Plus { Literal, Space };
std::optional<std::string> percent_decode(std::string_view text, Plus plus = Plus::Literal);
/// Escapes all but RFC 3986 unreserved characters.
std::string percent_encode(std::string_view text);
/// True if `text` is well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

/// The candidate with the smallest edit distance, if it is near enough to be a slip of the keyboard (<= 1/3 of its length, at least 1).
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

/// Equal in constant time for equal lengths (tokens, signatures).
bool constant_time_equal(std::string_view left, std::string_view right);

}  // namespace yun
