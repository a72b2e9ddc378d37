#pragma once
// Header fields, of requests and responses, HTTP/1 and HTTP/2 alike, and trailers.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yun::http {

/// Header fields in order; names are kept lower-case. All text lives in one buffer, so a warm object allocates nothing.
/// A view from get() is valid until the next change.
class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  /// The first value; nullopt if absent. `name` in lower case.
  std::optional<std::string_view> get(std::string_view name) const;
  /// Every value, in order, joined by ", " (not for set-cookie).
  std::string joined(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  /// Adds behind what is there; the name is lower-cased.
  void add(std::string_view name, std::string_view value);
  /// The same for text that is not this object's own: what codecs read.
  void add_parsed(std::string_view name, std::string_view value);
  /// Replaces all of that name.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  /// Bytes that names and values take, those of removed fields included: enough room for a copy of all.
  std::size_t text_size() const { return text_.size(); }
  Field operator[](std::size_t index) const;

  class Iterator {
   public:
    Iterator(const Headers* headers, std::size_t index) : headers_(headers), index_(index) {}
    Field operator*() const { return (*headers_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Headers* headers_;
    std::size_t index_;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, fields_.size()}; }

 private:
  struct Slot {
    std::uint32_t name_at, name_size, value_at, value_size;
  };
  std::string text_;
  std::vector<Slot> fields_;
};

}  // namespace yun::http
