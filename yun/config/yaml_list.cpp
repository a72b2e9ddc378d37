#include "yun/config/yaml_list.hpp"

#include <algorithm>

namespace yun::config {
namespace {

/// What stands at the beginning of a line.
struct Line {
  std::size_t next = 0;    ///< where the line after it begins
  std::size_t indent = 0;  ///< spaces
  char first = '\0';       ///< behind them; '\0' = blank
  char second = '\0';      ///< '\0' = the line ends there
};

/// nullopt: a tab in the indentation, or a carriage return that ends no line (which the parser takes for a break).
std::optional<Line> line_at(std::string_view text, std::size_t at) {
  const std::size_t newline = std::min(text.find('\n', at), text.size());
  Line line;
  line.next = std::min(newline + 1, text.size());
  std::string_view all = text.substr(at, newline - at);
  if (all.ends_with('\r') && newline < text.size()) all.remove_suffix(1);
  if (all.find('\r') != std::string_view::npos) return std::nullopt;
  line.indent = std::min(all.find_first_not_of(' '), all.size());
  all.remove_prefix(line.indent);
  if (all.empty()) return line;
  if (all.front() == '\t') return std::nullopt;
  line.first = all[0];
  if (all.size() > 1) line.second = all[1];
  return line;
}

bool is_content(const Line& line) { return line.first != '\0' && line.first != '#'; }
bool is_item(const Line& line) { return line.first == '-' && (line.second == ' ' || line.second == '\0'); }

/// "key:" and nothing more than spaces and a comment.
bool opens(std::string_view line, std::string_view key) {
  if (!line.starts_with(key)) return false;
  line.remove_prefix(key.size());
  if (!line.starts_with(':')) return false;
  line.remove_prefix(1);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t more = line.find_first_not_of(' ');
  return more == std::string_view::npos || (more > 0 && line[more] == '#');
}

/// A plain word, and a ':' behind it: nothing that the parser could take for a part of what stands before.
bool is_key(std::string_view line) {
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  const std::size_t size = static_cast<std::size_t>(std::find_if_not(line.begin(), line.end(), is_word) - line.begin());
  if (size == 0 || line.front() == '-' || size == line.size() || line[size] != ':') return false;
  return size + 1 == line.size() || line[size + 1] == ' ' || line[size + 1] == '\n' || line[size + 1] == '\r';
}

YamlOptions of_items(const YamlOptions& options) {
  YamlOptions own = options;
  own.anchors = false;
  own.max_depth = options.max_depth - 1;  // the outermost map
  return own;
}

/// But for places.
bool same(const Tree& a, const Tree& b) {
  return a.kind == b.kind && a.quoted == b.quoted && a.scalar == b.scalar && std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same) &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
                    [](const Entry& left, const Entry& right) { return left.key == right.key && same(left.value, right.value); });
}

}  // namespace

std::optional<ListText> ListText::cut(std::string_view text, std::string_view key) {
  ListText list;
  std::size_t at = 0;
  for (bool found = false; !found; ++list.line) {
    if (at >= text.size()) return std::nullopt;
    const auto line = line_at(text, at);
    if (!line) return std::nullopt;
    found = line->indent == 0 && opens(text.substr(at, line->next - at), key);
    at = line->next;
  }

  std::optional<std::size_t> indent;  // of the items
  std::size_t begin = at;             // of the item that is being read
  std::size_t first = at;
  while (at < text.size()) {
    const auto line = line_at(text, at);
    if (!line) return std::nullopt;
    if (is_content(*line)) {
      if (!indent) {
        if (!is_item(*line)) return std::nullopt;
        indent = line->indent;
        begin = first = at;
      } else if (line->indent == *indent && is_item(*line)) {
        list.items.push_back(text.substr(begin, at - begin));
        begin = at;
      } else if (line->indent <= *indent) {
        if (line->indent != 0 || !is_key(text.substr(at, line->next - at))) return std::nullopt;
        break;  // the next key
      }
    }
    at = line->next;
  }
  if (!indent) return std::nullopt;
  list.items.push_back(text.substr(begin, at - begin));
  list.at_end = at == text.size();
  list.around.reserve(first + text.size() - at);
  list.around.append(text.substr(0, first)).append(text.substr(at));
  return list;
}

std::optional<Tree> parse_around(const ListText& list, std::string_view key, const Environment& environment, const YamlOptions& options) {
  auto tree = parse_yaml(list.around, "", environment, options);
  if (!tree || !tree->is_map() || tree->entries.empty()) return std::nullopt;
  // A map in braces begins before its first key.
  const Entry& front = tree->entries.front();
  if (tree->column != 1 || tree->line != front.line || tree->column != front.column) return std::nullopt;
  const Entry* entry = tree->find_entry(key);
  if (!entry || entry->line != list.line || entry->column != 1 || !entry->value.is_null()) return std::nullopt;
  return std::move(*tree);
}

std::optional<ListItem> parse_item(std::string_view item, const Environment& environment, const YamlOptions& options) {
  // Another one behind it shows what the parser would make of what follows: it forgives a quotation mark that is missing at the very end, and may refuse
  // a key after a plain text over several lines.
  std::string text(item);
  if (!text.ends_with('\n')) text += '\n';
  text.append(item.substr(0, item.find('-'))).append("- end: 1\n");
  auto tree = parse_yaml(text, "", environment, of_items(options));
  if (!tree || !tree->is_list() || tree->items.size() != 2) return std::nullopt;
  const Tree* end = tree->items.back().find("end");
  if (!end || !end->is_scalar() || end->scalar != "1") return std::nullopt;
  ListItem read;
  read.tree = std::move(tree->items.front());
  read.nodes = count_nodes(read.tree);
  return read;
}

bool means_the_same_at_end(std::string_view item, const Tree& tree, const Environment& environment, const YamlOptions& options) {
  const auto alone = parse_yaml(item, "", environment, of_items(options));
  return alone && alone->is_list() && alone->items.size() == 1 && same(alone->items.front(), tree);
}

std::size_t count_nodes(const Tree& tree) {
  std::size_t nodes = 1;
  for (const Tree& item : tree.items) nodes += count_nodes(item);
  for (const Entry& entry : tree.entries) nodes += 1 + count_nodes(entry.value);
  return nodes;
}

}  // namespace yun::config
