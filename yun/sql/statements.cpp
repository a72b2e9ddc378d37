#include "yun/sql/statements.hpp"

#include "yun/base/strings.hpp"

namespace yun::sql {

namespace {

/// Behind the quoted text that begins at `at`; a doubled quote or a backslash does not end it.
std::size_t end_of_quoted(std::string_view script, std::size_t at) {
  const char quote = script[at];
  for (std::size_t i = at + 1; i < script.size(); ++i) {
    if (script[i] == '\\' && quote != '`') {
      ++i;
    } else if (script[i] == quote) {
      if (i + 1 >= script.size() || script[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return script.size();
}

/// Behind the comment that begins at `at`; `at` itself if none does.
std::size_t end_of_comment(std::string_view script, std::size_t at) {
  const std::string_view rest = script.substr(at);
  const bool line = rest.starts_with('#') || (rest.starts_with("--") && (rest.size() == 2 || static_cast<unsigned char>(rest[2]) <= ' '));
  if (line) return std::min(script.find('\n', at), script.size());
  if (!rest.starts_with("/*")) return at;
  const auto end = script.find("*/", at + 2);
  return end == std::string_view::npos ? script.size() : end + 2;
}

}  // namespace

std::vector<std::string_view> split_statements(std::string_view script) {
  std::vector<std::string_view> statements;
  std::size_t begin = 0;
  bool anything = false;  // but comments and space
  const auto take = [&](std::size_t end) {
    if (anything) statements.push_back(trim(script.substr(begin, end - begin)));
    begin = end + 1;
    anything = false;
  };
  std::size_t at = 0;
  while (at < script.size()) {
    const char c = script[at];
    if (const auto end = end_of_comment(script, at); end != at) {
      at = end;
      continue;
    }
    if (c == ';') {
      take(at++);
      continue;
    }
    if (static_cast<unsigned char>(c) > ' ') anything = true;
    at = c == '\'' || c == '"' || c == '`' ? end_of_quoted(script, at) : at + 1;
  }
  take(script.size());
  return statements;
}

}  // namespace yun::sql
