#include "yun/http/headers.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "yun/base/strings.hpp"

namespace yun::http {

std::optional<std::string_view> Headers::get(std::string_view name) const {
  const char* text = text_.data();
  for (const Slot& slot : fields_) {
    if (slot.name_size == name.size() && std::memcmp(text + slot.name_at, name.data(), name.size()) == 0)
      return std::string_view(text + slot.value_at, slot.value_size);
  }
  return std::nullopt;
}

std::string Headers::joined(std::string_view name) const {
  std::string all;
  bool first = true;
  for (const Field field : *this) {
    if (field.name != name) continue;
    if (!std::exchange(first, false)) all += ", ";
    all += field.value;
  }
  return all;
}

void Headers::add(std::string_view name, std::string_view value) {
  // A view into our own text must survive its growth: take the offset first.
  const bool own_value = value.data() >= text_.data() && value.data() < text_.data() + text_.size();
  const bool own_name = name.data() >= text_.data() && name.data() < text_.data() + text_.size();
  if (own_value || own_name) {
    const std::string name_copy(name);
    const std::string value_copy(value);
    add_parsed(name_copy, value_copy);
  } else {
    add_parsed(name, value);
  }
}

void Headers::add_parsed(std::string_view name, std::string_view value) {
  const std::size_t at = text_.size();
  const std::size_t size = at + name.size() + value.size();
  // What libstdc++ 12 says of the size there is the capacity that it has made: our own counts.
  text_.resize_and_overwrite(size, [&](char* bytes, std::size_t) {
    copy_lower(bytes + at, name);
    if (!value.empty()) std::memcpy(bytes + at + name.size(), value.data(), value.size());
    return size;
  });
  const auto begin = static_cast<std::uint32_t>(at);
  const auto name_size = static_cast<std::uint32_t>(name.size());
  fields_.push_back({begin, name_size, begin + name_size, static_cast<std::uint32_t>(value.size())});
}

void Headers::set(std::string_view name, std::string_view value) {
  // `name` and `value` may point into what remove() forgets, never into what it moves: text stays where it is.
  std::array<char, 64> small;
  if (fields_.empty()) {
  } else if (name.size() <= small.size()) {
    copy_lower(small.data(), name);
    remove(std::string_view(small.data(), name.size()));
  } else {
    remove(to_lower(name));
  }
  add(name, value);
}

void Headers::remove(std::string_view name) {
  const char* text = text_.data();
  std::erase_if(fields_, [&](const Slot& slot) { return slot.name_size == name.size() && std::memcmp(text + slot.name_at, name.data(), name.size()) == 0; });
}

void Headers::clear() {
  text_.clear();
  fields_.clear();
}

Headers::Field Headers::operator[](std::size_t index) const {
  const Slot& slot = fields_[index];
  const char* text = text_.data();
  return {{text + slot.name_at, slot.name_size}, {text + slot.value_at, slot.value_size}};
}

}  // namespace yun::http
