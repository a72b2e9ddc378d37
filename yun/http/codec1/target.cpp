#include "yun/http/codec1/target.hpp"

#include "yun/base/strings.hpp"

namespace yun::http::codec1 {

namespace {

constexpr ParseError kNotOrigin{400, "bad_target", "the target does not begin with a slash"};
constexpr ParseError kBadByte{400, "bad_target", "a byte in the target that must be escaped"};
constexpr ParseError kBadEscape{400, "bad_escape", "a percent escape that is none"};
constexpr ParseError kForbiddenEscape{400, "encoded_slash", "%00, %2F or %5C in the path"};
constexpr ParseError kClimbs{400, "path_above_root", "dot segments that climb above the root"};

int hex(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_unreserved(unsigned char c) {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/// Everything a target may have but '?', which splits it.
constexpr std::array<bool, 256> kTarget = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x21; c < 0x7f; ++c) table[c] = true;
  table['#'] = table['\\'] = false;
  return table;
}();

const ParseError* decode(std::string_view raw, std::string& path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  path.clear();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      path += raw[i];
      continue;
    }
    if (i + 2 >= raw.size()) return &kBadEscape;
    const int high = hex(raw[i + 1]);
    const int low = hex(raw[i + 2]);
    if (high < 0 || low < 0) return &kBadEscape;
    const auto byte = static_cast<unsigned char>(high * 16 + low);
    if (byte == 0 || byte == '/' || byte == '\\') return &kForbiddenEscape;
    if (is_unreserved(byte)) {
      path += static_cast<char>(byte);
    } else {
      path += '%';
      path += kHex[high];
      path += kHex[low];
    }
    i += 2;
  }
  return nullptr;
}

/// RFC 3986 5.2.4 in place, merging slashes on the way.
const ParseError* resolve(std::string& path) {
  std::size_t out = 0;
  std::size_t in = 0;
  while (in < path.size()) {
    std::size_t end = path.find('/', in + 1);
    if (end == std::string::npos) end = path.size();
    const std::string_view segment(path.data() + in + 1, end - in - 1);
    const bool last = end == path.size();
    if (segment.empty() || segment == ".") {
      if (last) path[out++] = '/';
    } else if (segment == "..") {
      if (out == 0) return &kClimbs;
      do {
        --out;
      } while (path[out] != '/');
      if (last) path[out++] = '/';
    } else {
      for (std::size_t i = in; i < end; ++i) path[out++] = path[i];
    }
    in = end;
  }
  path.resize(out);
  return nullptr;
}

}  // namespace

const ParseError* split_target(std::string_view target, std::string& path, std::string& query) {
  if (target.empty() || target.front() != '/') return &kNotOrigin;
  bool plain = true;
  std::size_t end = 0;
  char before = 0;
  for (; end < target.size() && target[end] != '?'; ++end) {
    const char c = target[end];
    if (!kTarget[static_cast<unsigned char>(c)]) return &kBadByte;
    plain &= c != '%' && !(before == '/' && (c == '/' || c == '.'));
    before = c;
  }
  for (std::size_t i = end; i < target.size(); ++i) {
    if (!kTarget[static_cast<unsigned char>(target[i])]) return &kBadByte;
  }
  const std::string_view raw = target.substr(0, end);
  query.assign(target.substr(std::min(end + 1, target.size())));
  if (plain) {
    path.assign(raw);
    return nullptr;
  }
  if (const ParseError* error = decode(raw, path)) return error;
  return resolve(path);
}

}  // namespace yun::http::codec1
