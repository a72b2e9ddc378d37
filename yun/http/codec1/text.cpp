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
  std::size_t colon = 0;
  bool underscore = false;
  while (colon < line.size() && kToken[static_cast<unsigned char>(line[colon])]) {
    underscore |= line[colon] == '_';
    ++colon;
  }
  if (colon == line.size()) return &kNoColon;
  if (line[colon] != ':' || colon == 0) return &kBadName;
  if (underscore && !allow_underscores) return &kUnderscore;
  headers.add(line.substr(0, colon), trim(line.substr(colon + 1)));
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
    const std::size_t colon = text.find(':');
    const std::string_view host = text.substr(0, colon);
    if (host.empty()) return false;
    for (const char c : host) {
      const char lower = to_lower(c);
      const bool ok = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
      if (!ok) return false;
    }
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
  }
  if (!has_port) return true;
  const auto number = parse_u64(port);
  return port.size() <= 5 && number && *number > 0 && *number <= 65535;
}

}  // namespace yun::http::codec1
