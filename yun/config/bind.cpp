#include "yun/config/bind.hpp"

#include <charconv>
#include <cmath>

#include "yun/base/strings.hpp"

namespace yun::config {

std::string_view describe(Tree::Kind kind) {
  switch (kind) {
    case Tree::Kind::Null: return "nothing";
    case Tree::Kind::Scalar: return "a scalar";
    case Tree::Kind::List: return "a list";
    case Tree::Kind::Map: return "a map";
  }
  return "nothing";
}

const Entry* Tree::find_entry(std::string_view key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

const Tree* Tree::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry ? &entry->value : nullptr;
}

/// In place of what should have been a map: that has been told, and what it lacks is no news.
static const Tree kNoMap;

Reader::Reader(const Tree& tree, std::string path, Errors& errors) : tree_(&tree), path_(std::move(path)), errors_(&errors) {
  if (tree.is_null() || tree.is_map()) return;
  (void)detail::expect(tree, Tree::Kind::Map, path_, errors);
  tree_ = &kNoMap;
}

const Tree* Reader::find(std::string_view key) {
  known_.emplace_back(key);
  return tree_->find(key);
}

Reader Reader::section(std::string_view key) {
  static const Tree kEmpty;
  const Tree* child = find(key);
  return Reader(child ? *child : kEmpty, join_path(path_, key), *errors_);
}

void Reader::finish() {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  detail::refuse_unknown(*tree_, path_, known, *errors_);
}

void Reader::fault(std::string_view key, std::string_view message) {
  const Tree* child = tree_->find(key);
  errors_->add(child ? *child : *tree_, join_path(path_, key), message);
}

bool Reader::missing(std::string_view key) {
  if (tree_ != &kNoMap) errors_->add(*tree_, path_, std::string(key) + ": is required");
  return false;
}

namespace detail {
namespace {

bool wrong(const Tree& tree, std::string_view path, std::string_view wanted, Errors& errors) {
  std::string message = "must be " + std::string(wanted);
  if (tree.is_scalar())
    message += ", is \"" + tree.scalar + "\"";
  else
    message += ", is " + std::string(describe(tree.kind));
  errors.add(tree, path, message);
  return false;
}

template <typename N>
bool whole_number(const std::string& text, N& value) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

bool expect(const Tree& tree, Tree::Kind kind, std::string_view path, Errors& errors) {
  return tree.kind == kind || wrong(tree, path, describe(kind), errors);
}

bool expect_text(const Tree& tree, std::string_view path, Errors& errors) {
  return tree.is_scalar() || wrong(tree, path, "text", errors);
}

bool read_bool(const Tree& tree, std::string_view path, bool& value, Errors& errors) {
  if (!tree.is_scalar() || (tree.scalar != "true" && tree.scalar != "false")) return wrong(tree, path, "true or false", errors);
  value = tree.scalar == "true";
  return true;
}

bool read_signed(const Tree& tree, std::string_view path, std::int64_t& value, std::int64_t lowest, std::int64_t highest, Errors& errors) {
  if (tree.is_scalar() && whole_number(tree.scalar, value) && value >= lowest && value <= highest) return true;
  return wrong(tree, path, "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest), errors);
}

bool read_unsigned(const Tree& tree, std::string_view path, std::uint64_t& value, std::uint64_t highest, Errors& errors) {
  if (tree.is_scalar() && whole_number(tree.scalar, value) && value <= highest) return true;
  return wrong(tree, path, "a whole number from 0 to " + std::to_string(highest), errors);
}

bool read_double(const Tree& tree, std::string_view path, double& value, Errors& errors) {
  if (tree.is_scalar() && whole_number(tree.scalar, value) && std::isfinite(value)) return true;
  return wrong(tree, path, "a number", errors);
}

bool read_enum(const Tree& tree, std::string_view path, const json::reflect::EnumTable& table, std::int64_t& value, Errors& errors) {
  if (const auto* entry = tree.is_scalar() ? table.find(tree.scalar) : nullptr) {
    value = entry->value;
    return true;
  }
  std::string wanted;
  std::vector<std::string_view> names;
  for (const auto& entry : table.entries) {
    wanted += (wanted.empty() ? "one of " : ", ") + entry.name;
    names.push_back(entry.name);
  }
  if (const auto near = tree.is_scalar() ? nearest(tree.scalar, names) : std::nullopt) {
    errors.add(tree, path, "must be " + wanted + ", is \"" + tree.scalar + "\"; did you mean \"" + std::string(*near) + "\"?");
    return false;
  }
  return wrong(tree, path, wanted, errors);
}

void refuse_unknown(const Tree& tree, std::string_view path, std::span<const std::string_view> known, Errors& errors) {
  for (const Entry& entry : tree.entries) {
    bool is_known = false;
    for (const std::string_view name : known) is_known = is_known || name == entry.key;
    if (is_known) continue;
    std::string message = "unknown key";
    if (const auto near = nearest(entry.key, known)) message += "; did you mean \"" + std::string(*near) + "\"?";
    errors.add(entry, join_path(path, entry.key), message);
  }
}

}  // namespace detail
}  // namespace yun::config
