#pragma once
// ListText: a long list in a YAML file as the text of its items, so that what did not change need not be parsed again.
//
//     upstreams: { .. }            around
//     routes:                      around
//       - name: a                  item 0
//         to: x
//       # about b                  item 0 (what follows an item up to the next is its own)
//       - { name: b, to: y }       item 1
//     body_limit: 1MiB             around
//
// Nothing here is a parser. The text is cut where lines say so plainly, and parse_around() and parse_item() have the parser confirm the cut: a quoted
// text, a flow collection, an anchor or a tab that reaches over it leaves a piece that does not parse alone. When all of them give a tree, parse_yaml()
// of the whole text gives one too, and it is the tree around with the items' trees as the key's list, but for lines and columns. When one of them
// does not, the whole is to be parsed, and says what is wrong and where.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/config/yaml.hpp"

namespace yun::config {

struct ListText {
  std::string around;                   ///< the document without the items
  int line = 0;                         ///< of the key, counted from 1
  std::vector<std::string_view> items;  ///< whole lines each; views of the text that was cut
  bool at_end = false;                  ///< nothing comes after the last item

  /// Of a key of the outermost map whose value is a list in block style, an item a "- ". nullopt: no such key, or lines that may mean something else.
  static std::optional<ListText> cut(std::string_view text, std::string_view key);
};

/// What is around the list; the key's value is null. nullopt: the cut does not hold, or there is a fault.
std::optional<Tree> parse_around(const ListText& list, std::string_view key, const Environment& environment = process_environment(),
                                 const YamlOptions& options = {});

struct ListItem {
  Tree tree;              ///< its places count from the item's own first line
  std::size_t nodes = 0;  ///< for YamlOptions::max_nodes
};
/// An item, as one that others follow. nullopt: as above.
std::optional<ListItem> parse_item(std::string_view item, const Environment& environment = process_environment(), const YamlOptions& options = {});
/// Whether `item`, which parse_item() could parse, means the same when the text ends with it: asked of the last one if it is `at_end`.
bool means_the_same_at_end(std::string_view item, const Tree& tree, const Environment& environment = process_environment(), const YamlOptions& options = {});

/// The nodes of a tree, keys counted, as YamlOptions::max_nodes counts them.
std::size_t count_nodes(const Tree& tree);

}  // namespace yun::config
