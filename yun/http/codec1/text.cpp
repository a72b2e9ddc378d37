#include "yun/http/codec1/text.hpp"

#include "yun/base/strings.hpp"

namespace yun::http::codec1 {

namespace {
constexpr ParseError kBareLf{400, "bare_lf", "a line ends with LF alone"};
constexpr ParseError kBareCr{400, "bare_cr", "CR without LF"};
constexpr ParseError kControl{400, "control_byte", "a control byte in the head"};
constexpr ParseError kFold{400, "obs_fold", "a folded header line"};
constexpr ParseError kNoColon{400, "bad_header", "a header line without a colon"};
constexpr ParseError kBadName{400, "bad_header_name", "a header name that is no token"};
constexpr ParseError kUnderscore{400, "underscore_in_header", "a header name with an underscore"};

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// What a host name is made of (RFC 3986 reg-name without escapes and sub-delims).
constexpr std::array<bool, 256> kHost = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32] = true;
  table['-'] = table['.'] = table['_'] = table['~'] = true;
  return table;
}();
}  // namespace

Line find_line(std::string_view text, std::size_t skip) {
  const std::size_t at = skip + first_control(text.substr(skip));
  if (at == text.size()) return {Line::State::NeedMore, at, nullptr};
  if (text[at] == '\n') return {Line::State::Bad, at, &kBareLf};
  if (text[at] != '\r') return {Line::State::Bad, at, &kControl};
  if (at + 1 == text.size()) return {Line::State::NeedMore, at, nullptr};
  if (text[at + 1] != '\n') return {Line::State::Bad, at, &kBareCr};
  return {Line::State::Complete, at, nullptr};
}

const ParseError* parse_field(std::string_view line, bool allow_underscores, Headers& headers) {
  if (line.front() == ' ' || line.front() == '\t') return &kFold;
  const char* at = line.data();
  const char* const end = at + line.size();
  bool underscore = false;
  for (; at != end && kToken[static_cast<unsigned char>(*at)]; ++at) underscore |= *at == '_';
  if (at == end) return &kNoColon;
  const auto name_size = static_cast<std::size_t>(at - line.data());
  if (*at != ':' || name_size == 0) return &kBadName;
  if (underscore && !allow_underscores) return &kUnderscore;
  // Most often one space stands before the value and none behind it.
  std::string_view value = line.substr(name_size + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (!value.empty() && (is_blank(value.front()) || is_blank(value.back()))) value = trim(value);
  headers.add_parsed(line.substr(0, name_size), value);
  return nullptr;
}

namespace {
bool is_ipv6(std::string_view text) {
  int colons = 0;
  for (const char c : text) {
    const char lower = to_lower(c);
    if (c == ':') {
      ++colons;
    } else if (!((c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f') || c == '.')) {
      return false;
    }
  }
  return colons >= 2 && colons <= 8;
}
}  // namespace

bool is_authority(std::string_view text) {
  if (text.empty() || text.size() > 255 + 6) return false;
  std::string_view port;
  bool has_port = false;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return false;
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    std::size_t size = 0;
    while (size < text.size() && kHost[static_cast<unsigned char>(text[size])]) ++size;
    if (size == 0 || (size < text.size() && text[size] != ':')) return false;
    has_port = size < text.size();
    if (has_port) port = text.substr(size + 1);
  }
  if (!has_port) return true;
  if (port.empty() || port.size() > 5) return false;
  unsigned number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number > 0 && number <= 65535;
}

}  // namespace yun::http::codec1
