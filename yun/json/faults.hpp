#pragma once
// Faults of a value and where they are: what reading and validation fill together.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yun/base/error.hpp"

namespace yun::json {

/// Where a fault is: one step each, linked up the stack, so that a pointer is only made when it is needed.
class Place {
 public:
  /// `top` is the holder of the innermost place; the key must outlive this object.
  Place(const Place*& top, std::string_view key) : top_(top), parent_(top), key_(key) { top_ = this; }
  Place(const Place*& top, std::size_t index) : top_(top), parent_(top), index_(index), is_index_(true) { top_ = this; }
  ~Place() { top_ = parent_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  /// RFC 6901, "" for no place at all.
  static std::string pointer(const Place* place);

 private:
  const Place*& top_;
  const Place* parent_;
  std::string_view key_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

/// The faults found so far and the place where the work is.
class Faults {
 public:
  explicit Faults(std::size_t limit = 100) : limit_(limit) {}

  /// At the place where the work is.
  void add(std::string detail);
  void add_at(std::string pointer, std::string detail);
  bool empty() const { return list_.empty(); }
  std::vector<FieldViolation> take() { return std::move(list_); }

  /// From here on, faults at or below a place that already has one are dropped: validation after reading says nothing about values
  /// that could not be read.
  void begin_validation() { read_faults_ = list_.size(); }
  bool any_read_fault_under(std::string_view pointer) const;

  const Place* top = nullptr;

 private:
  bool has_read_fault_near(std::string_view pointer) const;

  std::vector<FieldViolation> list_;
  std::size_t limit_;
  std::size_t read_faults_ = 0;
};

}  // namespace yun::json
