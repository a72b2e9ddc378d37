#pragma once
// Tree: patterns to numbers, by a radix tree. Text beats a parameter, a parameter beats the rest, whatever the order of insertion;
// a branch that leads nowhere is left again. A lookup allocates nothing and visits each node at most once.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yun/http/router/pattern.hpp"

namespace yun::http {

class Tree {
 public:
  static constexpr std::uint32_t kNone = static_cast<std::uint32_t>(-1);

  /// What the parameters matched, in order, still percent-encoded: views into the path.
  struct Captures {
    struct Value {
      const char* data;
      std::size_t length;
      operator std::string_view() const { return {data, length}; }
    };
    std::array<Value, Pattern::kMostParameters> values;  ///< not initialised beyond `size`: this is made for each request
    std::size_t size = 0;
  };

  Tree();
  ~Tree();
  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;

  /// The number of this pattern's place: `fresh` the first time, the one given then for a pattern that matches the same paths.
  std::uint32_t insert(const Pattern& pattern, std::uint32_t fresh);
  /// kNone if nothing matches.
  std::uint32_t find(std::string_view path, Captures& captures) const;

 private:
  struct Node;
  static Node* insert_text(Node* node, std::string_view text);
  static std::uint32_t walk(const Node& node, std::string_view path, Captures& captures);
  std::unique_ptr<Node> root_;
};

}  // namespace yun::http
