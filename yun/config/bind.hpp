#pragma once
// From a Tree to a C++ value: the body of read_value. Included by yaml.hpp.

#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "yun/config/yaml.hpp"
#include "yun/json/reflect.hpp"
#include "yun/json/types.hpp"

namespace yun::config {
namespace detail {

bool read_bool(const Tree& tree, std::string_view path, bool& value, Errors& errors);
bool read_signed(const Tree& tree, std::string_view path, std::int64_t& value, std::int64_t lowest, std::int64_t highest, Errors& errors);
bool read_unsigned(const Tree& tree, std::string_view path, std::uint64_t& value, std::uint64_t highest, Errors& errors);
bool read_double(const Tree& tree, std::string_view path, double& value, Errors& errors);
bool read_enum(const Tree& tree, std::string_view path, const json::reflect::EnumTable& table, std::int64_t& value, Errors& errors);
/// Notes "must be a list, is a map" unless it is of that kind.
bool expect(const Tree& tree, Tree::Kind kind, std::string_view path, Errors& errors);
/// A scalar for a value that is text: notes what else it is.
bool expect_text(const Tree& tree, std::string_view path, Errors& errors);
/// Notes each key of `tree` that is not in `known`.
void refuse_unknown(const Tree& tree, std::string_view path, std::span<const std::string_view> known, Errors& errors);

template <typename T>
bool read_record(const Tree& tree, std::string_view path, T& value, Errors& errors) {
  if (tree.is_null()) return true;
  if (!expect(tree, Tree::Kind::Map, path, errors)) return false;
  const std::size_t before = errors.size();
  const auto names = json::reflect::names<T>();
  refuse_unknown(tree, path, names, errors);
  json::reflect::for_each(value, [&](std::string_view name, auto& field) {
    if (const Tree* child = tree.find(name)) (void)read_value(*child, join_path(path, name), field, errors);
  });
  return errors.size() == before;
}

}  // namespace detail

template <typename T>
bool read_value(const Tree& tree, std::string_view path, T& value, Errors& errors) {
  namespace jd = json::detail;
  if constexpr (std::same_as<T, bool>) {
    return detail::read_bool(tree, path, value, errors);
  } else if constexpr (jd::Integer<T> && std::is_signed_v<T>) {
    std::int64_t number = 0;
    if (!detail::read_signed(tree, path, number, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), errors)) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (jd::Integer<T>) {
    std::uint64_t number = 0;
    if (!detail::read_unsigned(tree, path, number, std::numeric_limits<T>::max(), errors)) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (jd::Floating<T>) {
    double number = 0;
    if (!detail::read_double(tree, path, number, errors)) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (std::same_as<T, std::string>) {
    if (!detail::expect_text(tree, path, errors)) return false;
    value = tree.scalar;
    return true;
  } else if constexpr (std::same_as<T, Tree>) {
    value = tree;
    return true;
  } else if constexpr (jd::Textual<T>) {
    if (!detail::expect_text(tree, path, errors)) return false;
    auto parsed = json::Text<T>::parse(tree.scalar);
    if (!parsed) {
      errors.add(tree, path, parsed.error().message());
      return false;
    }
    value = *std::move(parsed);
    return true;
  } else if constexpr (jd::Enum<T>) {
    std::int64_t number = 0;
    if (!detail::read_enum(tree, path, json::reflect::enum_table<T>(), number, errors)) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (jd::kIsOptional<T>) {
    if (tree.is_null()) {
      value.reset();
      return true;
    }
    return read_value(tree, path, value ? *value : value.emplace(), errors);
  } else if constexpr (jd::Map<T>) {
    value.clear();
    if (tree.is_null()) return true;
    if (!detail::expect(tree, Tree::Kind::Map, path, errors)) return false;
    bool well = true;
    for (const Entry& entry : tree.entries) well = read_value(entry.value, join_path(path, entry.key), value[entry.key], errors) && well;
    return well;
  } else if constexpr (jd::List<T>) {
    value.clear();
    if (tree.is_null()) return true;
    if (!detail::expect(tree, Tree::Kind::List, path, errors)) return false;
    bool well = true;
    for (std::size_t i = 0; i < tree.items.size(); ++i) {
      typename T::value_type item{};
      well = read_value(tree.items[i], join_path(path, i), item, errors) && well;
      value.insert(value.end(), std::move(item));
    }
    return well;
  } else if constexpr (jd::Record<T>) {
    return detail::read_record(tree, path, value, errors);
  } else {
    static_assert(jd::kUnsupported<T>, "config: this type cannot be read; see read_value in yun/config/yaml.hpp");
  }
}

}  // namespace yun::config
