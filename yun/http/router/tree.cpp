#include "yun/http/router/tree.hpp"

#include <algorithm>
#include <cstring>

namespace yun::http {

struct Tree::Node {
  std::string text;      // the bytes on the way into this node
  std::string firsts;    // first byte of each child's text
  std::vector<std::unique_ptr<Node>> children;
  std::unique_ptr<Node> parameter;
  std::uint32_t place = kNone;
  std::uint32_t rest = kNone;
};

Tree::Tree() : root_(std::make_unique<Node>()) {}
Tree::~Tree() = default;
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;

Tree::Node* Tree::insert_text(Node* node, std::string_view text) {
  while (!text.empty()) {
    const auto at = node->firsts.find(text.front());
    if (at == std::string::npos) {
      auto child = std::make_unique<Node>();
      child->text = text;
      node->firsts += text.front();
      node->children.push_back(std::move(child));
      return node->children.back().get();
    }
    std::unique_ptr<Node>& child = node->children[at];
    const auto common = static_cast<std::size_t>(std::ranges::mismatch(child->text, text).in1 - child->text.begin());
    if (common < child->text.size()) {  // split: a node for what both have
      auto upper = std::make_unique<Node>();
      upper->text = child->text.substr(0, common);
      upper->firsts = child->text[common];
      child->text.erase(0, common);
      upper->children.push_back(std::move(child));
      child = std::move(upper);
    }
    node = child.get();
    text.remove_prefix(common);
  }
  return node;
}

std::uint32_t Tree::insert(const Pattern& pattern, std::uint32_t fresh) {
  Node* node = root_.get();
  for (const auto& part : pattern.parts) {
    if (part.kind == Pattern::Kind::Text) {
      node = insert_text(node, part.text);
    } else if (part.kind == Pattern::Kind::Parameter) {
      if (!node->parameter) node->parameter = std::make_unique<Node>();
      node = node->parameter.get();
    } else {
      if (node->rest == kNone) node->rest = fresh;
      return node->rest;
    }
  }
  if (node->place == kNone) node->place = fresh;
  return node->place;
}

std::uint32_t Tree::find(std::string_view path, Captures& captures) const {
  captures.size = 0;
  return walk(*root_, path, captures);
}

std::uint32_t Tree::walk(const Node& from, std::string_view path, Captures& captures) {
  const Node* node = &from;
  for (;;) {
    if (path.empty()) {
      if (node->place != kNone) return node->place;
      break;
    }
    const Node* child = nullptr;
    const char* firsts = node->firsts.data();
    for (std::size_t i = 0, n = node->firsts.size(); i < n; ++i) {
      if (firsts[i] == path.front()) {
        child = node->children[i].get();
        break;
      }
    }
    const bool fits = child && child->text.size() <= path.size() && std::memcmp(child->text.data(), path.data(), child->text.size()) == 0;
    if (!fits) break;
    if (!node->parameter && node->rest == kNone) {  // nothing to come back to
      path.remove_prefix(child->text.size());
      node = child;
      continue;
    }
    const auto found = walk(*child, path.substr(child->text.size()), captures);
    if (found != kNone) return found;
    break;
  }
  if (node->parameter) {
    const auto slash = path.find('/');
    const auto value = path.substr(0, slash);
    if (!value.empty()) {
      captures.values[captures.size++] = {value.data(), value.size()};
      const auto found = walk(*node->parameter, path.substr(value.size()), captures);
      if (found != kNone) return found;
      --captures.size;
    }
  }
  if (node->rest != kNone) captures.values[captures.size++] = {path.data(), path.size()};
  return node->rest;
}

}  // namespace yun::http
