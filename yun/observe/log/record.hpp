#pragma once
// Record: what a call of write() leaves behind for the writer's thread, which makes the line of it. Text is copied, numbers are as they are, keys are
// pointers to their literals.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/observe/log/line.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::observe::log {

/// A line that is to be recorded, measured first. Refers to all that it is given.
class Record {
 public:
  Record(Level level, Context* ctx, std::string_view message, std::span<const Field> fields, std::size_t max_text);

  /// Bytes, a multiple of 8.
  std::size_t size() const { return size_; }
  /// At `to`, which is aligned to 8. `tick` is its time.
  void put(char* to, std::uint64_t tick) const;

  /// Of a record that was put: its time, and its line of JSON with '\n'. `service` is the ready-made `,"service":"..."`.
  static std::uint64_t tick(std::string_view record);
  static void format(Line& line, std::string_view record, Time time, std::string_view service);

  /// A field is an Error: the record is not to be put, but one of these fields instead, with each Error as its to_string(), which `texts` keeps.
  bool has_error() const { return has_error_; }
  static std::vector<Field> errors_as_text(std::span<const Field> fields, std::vector<std::string>& texts);

 private:
  struct Head;
  struct Part;
  const Level level_;
  Context* const ctx_;
  const std::string_view message_;
  const std::span<const Field> fields_;
  const std::size_t max_text_;
  std::size_t size_;
  bool has_error_ = false;
};

}  // namespace yun::observe::log
