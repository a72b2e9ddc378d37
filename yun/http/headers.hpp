#pragma once
// Header fields, of requests and responses, HTTP/1 and HTTP/2 alike, and trailers.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yun::http {

/// Header fields in order; names are kept lower-case. All text lives in one buffer, each field as HTTP/1 sends it ("name: value\r\n"): a warm object
/// allocates nothing, and fields that pass through are copied and written as one piece. A view from get() is valid until the next change.
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
  /// The same for what a codec has read and checked: `name` is a token, no control byte is in `value`, and neither is this object's own text.
  void add_parsed(std::string_view name, std::string_view value) { append(name, value, true); }
  /// Replaces all of that name.
  void set(std::string_view name, std::string_view value);
  /// The same for what is as add_parsed() wants it, the name in lower case.
  void set_parsed(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  /// Keeps the fields for which `keep(Field)` is true.
  template <typename F>
  void keep_if(F keep) {
    std::erase_if(fields_, [&](const Slot& slot) { return !keep(field(slot)); });
  }
  /// Becomes the fields of `from` (another object) for which `keep(Field)` is true, with one copy of the text.
  template <typename F>
  void assign(const Headers& from, F keep) {
    text_.assign(from.text_);
    fields_.clear();
    for (const Slot& slot : from.fields_) {
      if (keep(from.field(slot))) fields_.push_back(slot);
    }
  }
  void clear();
  /// Room for that much text (names, values and four bytes a field) and that many fields.
  void reserve(std::size_t text, std::size_t fields) {
    text_.reserve(text);
    fields_.reserve(fields);
  }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  /// Bytes that all lines take, those of removed fields included: enough room to write all.
  std::size_t text_size() const { return text_.size(); }
  Field operator[](std::size_t index) const { return field(fields_[index]); }

  /// "name: value\r\n" of one field. Fields that stand behind each other have lines that do, unless one between was removed.
  std::string_view line(std::size_t index) const {
    const Slot& slot = fields_[index];
    return {text_.data() + slot.at, slot.name_size + slot.value_size + kAround};
  }
  /// False if the name is no token or a control byte is in the value: such a field must not be sent as it is.
  bool is_sendable(std::size_t index) const { return fields_[index].sendable; }

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
  static constexpr std::size_t kAround = 4;  ///< ": " and "\r\n"
  static constexpr std::uint32_t kMostName = ~std::uint32_t{0} >> 1;
  struct Slot {
    std::uint32_t at;
    std::uint32_t name_size : 31;
    std::uint32_t sendable : 1;
    std::uint32_t value_size;
  };
  Field field(const Slot& slot) const {
    const char* line = text_.data() + slot.at;
    return {{line, slot.name_size}, {line + slot.name_size + 2, slot.value_size}};
  }
  void append(std::string_view name, std::string_view value, bool sendable);

  std::string text_;
  std::vector<Slot> fields_;
};

}  // namespace yun::http
