#include "yun/http/router/pattern.hpp"

#include <algorithm>

#include "yun/base/strings.hpp"

namespace yun::http {

namespace {

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

/// RFC 3986 pchar, '/' and '%' stay; anything else is escaped.
void append_literal(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  const bool plain = is_alnum(c) || std::string_view("-._~!$&'()*+,;=:@/%").find(c) != std::string_view::npos;
  if (plain) {
    out += c;
    return;
  }
  out += '%';
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : rest_(pattern), whole_(pattern) {}

  Result<Pattern> run() {
    if (rest_.empty() || rest_.front() != '/') return wrong("must begin with \"/\"");
    while (!rest_.empty()) {
      if (ended_) return wrong("nothing may follow the rest parameter");
      const char c = rest_.front();
      const bool segment_start = !text_.empty() && text_.back() == '/';
      if (behind_parameter_ && c != '/') return wrong("a parameter ends its segment: \"/\" must follow");
      behind_parameter_ = false;
      if (c == '{') {
        YUN_GET(parsed, braces());
        if (!parsed) return wrong("bad parameter name");
      } else if (segment_start && (c == ':' || c == '*')) {
        if (!bare(c)) return wrong("bad parameter name");
      } else if (c == '}') {
        return wrong("\"}\" without \"{\"");
      } else {
        append_literal(text_, c);
        rest_.remove_prefix(1);
      }
    }
    flush();
    for (const auto& part : pattern_.parts) {
      if (part.kind == Pattern::Kind::Text) pattern_.text += part.text;
      if (part.kind == Pattern::Kind::Parameter) pattern_.text += "{" + part.text + "}";
      if (part.kind == Pattern::Kind::Rest) pattern_.text += part.text == "*" ? "*" : "{" + part.text + "...}";
    }
    if (names_.size() > Pattern::kMostParameters) return wrong("has more than 16 parameters");
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (std::ranges::count(names_, names_[i]) > 1) return wrong("has two parameters called \"" + names_[i] + "\"");
    }
    return std::move(pattern_);
  }

 private:
  Error wrong(const std::string& what) const { return invalid_argument("route \"" + std::string(whole_) + "\": " + what); }

  void flush() {
    if (!text_.empty()) pattern_.parts.push_back({Pattern::Kind::Text, std::move(text_)});
    text_.clear();
  }

  bool take(std::string_view name, Pattern::Kind kind) {
    if (!is_name(name) && !(kind == Pattern::Kind::Rest && name == "*")) return false;
    if (kind == Pattern::Kind::Parameter && name.ends_with("...")) return false;  // in braces it would be a rest parameter
    flush();
    names_.emplace_back(name);
    pattern_.parts.push_back({kind, std::string(name)});
    behind_parameter_ = kind == Pattern::Kind::Parameter;
    ended_ = kind == Pattern::Kind::Rest;
    return true;
  }

  Result<bool> braces() {
    const auto close = rest_.find('}');
    if (close == std::string_view::npos) return wrong("\"{\" without \"}\"");
    std::string_view name = rest_.substr(1, close - 1);
    rest_.remove_prefix(close + 1);
    if (!name.ends_with("...")) return take(name, Pattern::Kind::Parameter);
    name.remove_suffix(3);
    if (text_.empty() || text_.back() != '/') return wrong("the rest parameter must follow \"/\"");
    return take(name, Pattern::Kind::Rest);
  }

  bool bare(char mark) {
    const auto end = std::min(rest_.find('/'), rest_.size());
    std::string_view name = rest_.substr(1, end - 1);
    rest_.remove_prefix(end);
    if (mark == ':') return take(name, Pattern::Kind::Parameter);
    return take(name.empty() ? "*" : name, Pattern::Kind::Rest);
  }

  std::string_view rest_;
  std::string_view whole_;
  std::string text_;
  std::vector<std::string> names_;
  Pattern pattern_;
  bool behind_parameter_ = false;
  bool ended_ = false;
};

}  // namespace

Result<Pattern> Pattern::parse(std::string_view pattern) { return Parser(pattern).run(); }

std::vector<std::string> Pattern::parameters() const {
  std::vector<std::string> names;
  for (const auto& part : parts) {
    if (part.kind != Kind::Text) names.push_back(part.text);
  }
  return names;
}

}  // namespace yun::http
