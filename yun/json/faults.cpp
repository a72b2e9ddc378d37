#include "yun/json/faults.hpp"

#include <algorithm>

namespace yun::json {
namespace {

/// Is `pointer` at or below `above`?
bool is_within(std::string_view pointer, std::string_view above) {
  return pointer.starts_with(above) && (pointer.size() == above.size() || pointer[above.size()] == '/');
}

}  // namespace

std::string Place::pointer(const Place* place) {
  std::vector<const Place*> steps;
  for (; place; place = place->parent_) steps.push_back(place);
  std::string pointer;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    pointer += '/';
    if ((*step)->is_index_) {
      pointer += std::to_string((*step)->index_);
      continue;
    }
    for (const char c : (*step)->key_) {
      if (c == '~')
        pointer += "~0";
      else if (c == '/')
        pointer += "~1";
      else
        pointer += c;
    }
  }
  return pointer;
}

void Faults::add(std::string detail) {
  if (list_.size() < limit_) add_at(Place::pointer(top), std::move(detail));
}

void Faults::add_at(std::string pointer, std::string detail) {
  if (list_.size() >= limit_ || has_read_fault_near(pointer)) return;
  list_.push_back({std::move(pointer), std::move(detail)});
}

bool Faults::has_read_fault_near(std::string_view pointer) const {
  return std::any_of(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(read_faults_),
                     [pointer](const FieldViolation& fault) { return is_within(pointer, fault.pointer); });
}

bool Faults::any_read_fault_under(std::string_view pointer) const {
  return std::any_of(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(read_faults_),
                     [pointer](const FieldViolation& fault) { return is_within(fault.pointer, pointer); });
}

}  // namespace yun::json
