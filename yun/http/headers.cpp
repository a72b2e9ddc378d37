#include "yun/http/headers.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "yun/base/strings.hpp"
#include "yun/http/codec1/text.hpp"

namespace yun::http {

namespace {

bool is_sendable(std::string_view name, std::string_view value) { return codec1::is_token(name) && codec1::first_control(value) == value.size(); }

}  // namespace

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const Slot& slot : fields_) {
    if (slot.name_size != name.size()) continue;
    const Field found = field(slot);
    if (std::memcmp(found.name.data(), name.data(), name.size()) == 0) return found.value;
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
    append(name_copy, value_copy, http::is_sendable(name_copy, value_copy));
  } else {
    append(name, value, http::is_sendable(name, value));
  }
}

void Headers::append(std::string_view name, std::string_view value, bool sendable) {
  const std::size_t at = text_.size();
  const std::size_t size = at + name.size() + value.size() + kAround;
  // What libstdc++ 12 says of the size there is the capacity that it has made: our own counts.
  text_.resize_and_overwrite(size, [&](char* bytes, std::size_t) {
    char* to = bytes + at;
    copy_lower(to, name);
    to += name.size();
    *to++ = ':';
    *to++ = ' ';
    if (!value.empty()) std::memcpy(to, value.data(), value.size());
    to += value.size();
    *to++ = '\r';
    *to = '\n';
    return size;
  });
  fields_.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()) & kMostName, sendable, static_cast<std::uint32_t>(value.size())});
}

void Headers::set(std::string_view name, std::string_view value) {
  // `name` and `value` may point into what remove() forgets, never into what it moves: text stays where it is.
  const bool may_be_there = std::ranges::any_of(fields_, [&](const Slot& slot) { return slot.name_size == name.size(); });
  std::array<char, 64> small;
  if (!may_be_there) {
  } else if (name.size() <= small.size()) {
    copy_lower(small.data(), name);
    remove(std::string_view(small.data(), name.size()));
  } else {
    remove(to_lower(name));
  }
  add(name, value);
}

void Headers::set_parsed(std::string_view name, std::string_view value) {
  remove(name);
  append(name, value, true);
}

void Headers::remove(std::string_view name) {
  const auto is_it = [&](const Slot& slot) { return slot.name_size == name.size() && std::memcmp(text_.data() + slot.at, name.data(), name.size()) == 0; };
  const auto first = std::ranges::find_if(fields_, is_it);
  if (first != fields_.end()) fields_.erase(std::remove_if(first, fields_.end(), is_it), fields_.end());
}

void Headers::clear() {
  text_.clear();
  fields_.clear();
}

}  // namespace yun::http
