#include "yun/json/reflect.hpp"

#include <algorithm>

#include "yun/base/strings.hpp"

namespace yun::json::reflect {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

/// What stands behind "Name = " in a compiler's text of a function.
std::string_view argument_of(std::string_view pretty) {
  const std::size_t equals = pretty.rfind("[with ") != std::string_view::npos ? pretty.find(" = ", pretty.rfind("[with "))
                                                                             : pretty.find(" = ", pretty.find('['));
  if (equals == std::string_view::npos) return {};
  pretty.remove_prefix(equals + 3);
  if (pretty.ends_with(']')) pretty.remove_suffix(1);
  return pretty;
}

}  // namespace

std::string to_snake_case(std::string_view name) {
  if (name.size() > 1 && name[0] == 'k' && is_upper(name[1])) name.remove_prefix(1);
  std::string snake;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_upper(c)) {
      snake += c;
      continue;
    }
    const bool after_word = i > 0 && (is_lower(name[i - 1]) || is_digit(name[i - 1]));
    const bool ends_acronym = i > 0 && is_upper(name[i - 1]) && i + 1 < name.size() && is_lower(name[i + 1]);
    if (after_word || ends_acronym) snake += '_';
    snake += static_cast<char>(c + 32);
  }
  if (snake.size() > 1 && snake.back() == '_') snake.pop_back();
  return snake;
}

std::string_view EnumTable::name(std::int64_t value) const {
  const auto at = std::lower_bound(entries.begin(), entries.end(), value, [](const Entry& entry, std::int64_t wanted) { return entry.value < wanted; });
  return at != entries.end() && at->value == value ? std::string_view(at->name) : std::string_view();
}

const EnumTable::Entry* EnumTable::find(std::string_view name) const {
  for (const auto& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

namespace detail {

std::string clean_type_name(std::string_view pretty) {
  // "Page<shop::User>": words joined by '_', each without the scopes before its last "::".
  std::string name;
  std::string word;
  std::size_t mark = 0;  // where the present argument began
  const auto flush = [&] {
    if (!word.empty()) name += (name.empty() ? "" : "_") + word;
    word.clear();
  };
  const std::string_view text = argument_of(pretty);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_word(text[i])) {
      word += text[i];
    } else if (text.substr(i, 2) == "::") {
      word.clear();
      name.resize(mark);
      ++i;
    } else {
      flush();
      if (text[i] == '<' || text[i] == ',') mark = name.size();
    }
  }
  flush();
  return name;
}

std::vector<EnumTable::Entry> read_enumerators(std::string_view pretty, std::int64_t lowest) {
  // "{Colour::Red, (Colour)1}" from g++, "<Colour::Red, (Colour)1>" from clang.
  std::vector<EnumTable::Entry> found;
  std::string_view text = argument_of(pretty);
  if (text.size() < 2) return found;
  text = text.substr(1, text.size() - 2);
  std::int64_t value = lowest;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '(' || c == '<' || c == '{') ++depth;
    if (c == ')' || c == '>' || c == '}') --depth;
    if (c != ',' || depth > 0) continue;
    std::string_view word = text.substr(begin, i - begin);
    std::size_t start = word.size();
    while (start > 0 && is_word(word[start - 1])) --start;
    word.remove_prefix(start);
    if (!word.empty() && !is_digit(word.front())) found.push_back({value, to_snake_case(word)});
    ++value;
    begin = i + 1;
  }
  return found;
}

}  // namespace detail
}  // namespace yun::json::reflect
