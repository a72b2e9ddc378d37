#include "yun/config/yaml_list.hpp"

#include <gtest/gtest.h>

namespace yun::config {
namespace {

/// A tree in one line, without places.
std::string shown(const Tree& tree) {
  std::string text;
  switch (tree.kind) {
    case Tree::Kind::Null: return "~";
    case Tree::Kind::Scalar: return (tree.quoted ? "'" : "") + tree.scalar + "|";
    case Tree::Kind::List:
      for (const Tree& item : tree.items) text += shown(item) + ",";
      return "[" + text + "]";
    case Tree::Kind::Map:
      for (const Entry& entry : tree.entries) text += entry.key + "=" + shown(entry.value) + ",";
      return "{" + text + "}";
  }
  return text;
}

/// The tree put together from the parts, "whole" if the text has to be parsed whole.
std::string by_parts(const std::string& text, const YamlOptions& options = {}) {
  const auto list = ListText::cut(text, "routes");
  if (!list) return "whole";
  auto around = parse_around(*list, "routes", process_environment(), options);
  if (!around) return "whole";
  Tree items;
  items.kind = Tree::Kind::List;
  for (const std::string_view item : list->items) {
    auto parsed = parse_item(item, process_environment(), options);
    if (!parsed) return "whole";
    const bool last = item.data() == list->items.back().data();
    if (last && list->at_end && !means_the_same_at_end(item, parsed->tree, process_environment(), options)) return "whole";
    items.items.push_back(std::move(parsed->tree));
  }
  for (Entry& entry : around->entries) {
    if (entry.key == "routes") entry.value = items;
  }
  return shown(*around);
}

std::string by_whole(const std::string& text) {
  const auto tree = parse_yaml(text, "f");
  return tree ? shown(*tree) : tree.error().message();
}

TEST(YamlList, PartsAreTheWhole) {
  for (const char* text : {
           "a: 1\nroutes:\n  - x: 1\n  - { x: 2, y: [3, 4] }\nb: 2\n",
           "routes:\n- x: 1\n- y\n",                                             // items under the key
           "routes:\n- x\nb: 2\n",
           "routes:   # all of them\n\n # first\n  - x: 1\n\n# second\n  - x: 2",  // comments and blank lines, no newline at the end
           "---\na: 1\nroutes:\n  - x\n",
           "a: &base { x: 1 }\nb: *base\nroutes:\n  - x\n",                      // anchors around are nobody's business
           "routes:\n  - x: |\n      one\n      two\n\n\n  - y\n",               // a block's end is its own
           "routes:\n  - x: |+\n      one\n\n\n  - y: |+\n      two\n\n\nb: 1\n",
           "routes:\n  - >-\n    folded\n    text\n  - y\n",
           "routes:\n  - x: \"two\n      lines\"\n  - y: plain\n      goes on\n",
           "routes:\n  -\n    x: 1\n  - - nested\n    - list\n",
           "routes:\n  - x: path(/api/*) && method(GET)\n  - 'quoted - '\n  - ${YUN_NOT_SET:-default}\n",
           "a: 1\r\nroutes:\r\n  - x: 1\r\n  - y: 2\r\nb: 3\r\n",
           "routes:\n  - ? x\n    : y\n  - z\n",
           "routes:\n  - ~\n  -\n  - x\n",
           "\xEF\xBB\xBF" "a: 1\nroutes:\n  - x\n  - y\n",
       }) {
    EXPECT_EQ(by_parts(text), by_whole(text)) << text;
  }
}

TEST(YamlList, WhereLinesDoNotTellTheWholeIsParsed) {
  for (const char* text : {
           "routes: [ x, y ]\n",                                      // brackets
           "routes:\n  - &a x\n  - *a\n",                             // anchors in items
           "a: &a x\nroutes:\n  - *a\n",
           "routes: &a\n  - x\n",
           "routes:\n\t- x\n",                                        // a tab
           "routes:\n  - x: 'one\n  - two'\n",                        // a text over what looks like an item
           "routes:\n  - x: \"one\n  - two\n",
           "routes:\n  - x\n  - 'one\n",
           "routes:\n  - y: 1\n    2] }\n  - - nested\nd: 1\n",            // which the parser gives up only at d
           "routes:\n  - [ x,\n  - y ]\n",
           "{ a: 1,\nroutes:\n  , b: 2 }\n",                          // a map in braces
           "a: \"\nroutes:\n  - x\n\"\n",                             // a key that is text
           "a: |\n  x\n routes:\n  - x\n",
           "- a\nroutes:\n  - x\n",
           "routes:\n  - x\nroutes:\n  - y\n",                        // given twice
           "routes:\n  - x\n---\nroutes:\n  - y\n",                   // two documents
           "---\na: 1\nroutes:\n  - x\n...\n",                         // what ends it is no plain key
           "a: &b { c: 1 }\nroutes:\n  - x\n&ed\nd: *b\n",            // an anchor where a key should be
           "routes:\n  - x\r  - y\n",                                 // a carriage return is a break to the parser
           "routes:\n  - { x: 1, x: 2 }\n",                           // faults
           "routes:\n  - ${YUN_NOT_SET}\n",
           "routes:\n  - !!str x\n",
           "routes:\n  x: 1\n", "routes:\n", "", "a: 1\n", "routes:\n    - x\n  - y\n", "routes:\n  - x\n - y\n",
       }) {
    EXPECT_EQ(by_parts(text), "whole") << text;
  }
}

TEST(YamlList, ItemsAreWholeLinesWithWhatFollowsThem) {
  const std::string text = "a: 1\nroutes:\n  # head\n  - x: 1\n    y: 2\n  # tail\n\n  - z\nb: 2\n";
  const auto list = ListText::cut(text, "routes");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->line, 2);
  EXPECT_EQ(list->items, (std::vector<std::string_view>{"  - x: 1\n    y: 2\n  # tail\n\n", "  - z\n"}));
  EXPECT_EQ(list->around, "a: 1\nroutes:\n  # head\nb: 2\n");
}

TEST(YamlList, DepthAndNodesCountAsInTheWhole) {
  const auto deep = [](int levels) { return "routes:\n  - " + std::string(static_cast<std::size_t>(levels), '[') + "x" + std::string(static_cast<std::size_t>(levels), ']') + "\n"; };
  // The outermost map, the list, and the brackets.
  EXPECT_EQ(by_parts(deep(62)), by_whole(deep(62)));
  EXPECT_EQ(by_parts(deep(63)), "whole");
  EXPECT_NE(by_whole(deep(63)).find("nested more than 64 deep"), std::string::npos);

  const std::string text = "a: [1, 2]\nroutes:\n  - { x: 1 }\n";
  const auto list = ListText::cut(text, "routes");
  const auto around = parse_around(*list, "routes");
  const auto item = parse_item(list->items[0]);
  ASSERT_TRUE(around && item);
  const std::size_t nodes = count_nodes(*around) + item->nodes;
  EXPECT_TRUE(parse_yaml(text, "f", process_environment(), {.max_nodes = nodes}));
  EXPECT_FALSE(parse_yaml(text, "f", process_environment(), {.max_nodes = nodes - 1}));
}

}  // namespace
}  // namespace yun::config
