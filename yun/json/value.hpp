#pragma once
// Value: JSON of no known type. Objects keep the order of insertion; integers of 64 bits are exact.
//
//     YUN_GET(document, json::parse(text));
//     document["items"][0]["name"].as_string()         // const std::string*, nullptr if it is not there or no string
//     json::Value made = json::Value::object({{"id", 7}, {"tags", json::Value::array({"a", "b"})}});
//     made["extra"] = true;
//     std::string text = json::to_json(made);

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/json/reader.hpp"

namespace yun::json {

class Value;
struct Member;

enum class Type { Null, Bool, Int, Uint, Double, String, Array, Object };

/// Members in the order of insertion, each name once. Looking up is linear: it is for documents, not for maps.
class Object {
 public:
  Object() noexcept;
  Object(const Object&);
  Object(Object&&) noexcept;
  Object& operator=(const Object&);
  Object& operator=(Object&&) noexcept;
  ~Object();
  /// A name given twice keeps its first place and its last value.
  Object(std::initializer_list<Member> members);

  const Value* find(std::string_view name) const;
  Value* find(std::string_view name);
  /// Appended as null if it is not there.
  Value& operator[](std::string_view name);
  /// Appends a null without looking whether the name is there; keeping names unique is the caller's part.
  Value& append(std::string name);
  bool erase(std::string_view name);
  std::size_t size() const;
  bool empty() const;
  auto begin() const { return members_.begin(); }
  auto end() const { return members_.end(); }
  auto begin() { return members_.begin(); }
  auto end() { return members_.end(); }
  /// Without regard to order.
  bool operator==(const Object& other) const;

 private:
  std::vector<Member> members_;
};

using Array = std::vector<Value>;

class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}
  template <std::same_as<bool> B>
  Value(B value) : inner_(value) {}
  /// Held as Int if it fits, as Uint beyond.
  template <std::integral I>
    requires(!std::same_as<I, bool> && !std::same_as<I, char>)
  Value(I value) {
    if (std::in_range<std::int64_t>(value))
      inner_ = static_cast<std::int64_t>(value);
    else
      inner_ = static_cast<std::uint64_t>(value);
  }
  Value(double value) : inner_(value) {}
  Value(std::string value) : inner_(std::move(value)) {}
  Value(std::string_view value) : inner_(std::string(value)) {}
  Value(const char* value) : inner_(std::string(value)) {}
  Value(Array value) : inner_(std::move(value)) {}
  Value(Object value) : inner_(std::move(value)) {}
  static Value array(std::initializer_list<Value> items = {}) { return Array(items); }
  static Value object(std::initializer_list<Member> members = {});

  Type type() const { return static_cast<Type>(inner_.index()); }
  bool is_null() const { return type() == Type::Null; }

  // nullopt or nullptr if the value is of another type.
  std::optional<bool> as_bool() const;
  /// An integer within the range; never from a double.
  std::optional<std::int64_t> as_int() const;
  std::optional<std::uint64_t> as_uint() const;
  /// Any number.
  std::optional<double> as_double() const;
  const std::string* as_string() const { return std::get_if<std::string>(&inner_); }
  const Array* as_array() const { return std::get_if<Array>(&inner_); }
  Array* as_array() { return std::get_if<Array>(&inner_); }
  const Object* as_object() const { return std::get_if<Object>(&inner_); }
  Object* as_object() { return std::get_if<Object>(&inner_); }

  /// The member or element, a null if there is none.
  const Value& operator[](std::string_view name) const;
  const Value& operator[](std::size_t index) const;
  const Value& operator[](const char* name) const { return (*this)[std::string_view(name)]; }
  const Value& operator[](int index) const { return (*this)[static_cast<std::size_t>(index)]; }
  /// The member, made as null if it is not there; what was no object becomes one.
  Value& operator[](std::string_view name);
  Value& operator[](const char* name) { return (*this)[std::string_view(name)]; }
  /// What was no array becomes one.
  Value& push_back(Value item);
  /// By RFC 6901 pointer, "" for the value itself; nullptr if it leads nowhere.
  const Value* find(std::string_view pointer) const;
  /// Of an array or object, else 0.
  std::size_t size() const;

  /// Numbers by their mathematical value (1 == 1.0), objects without regard to order.
  bool operator==(const Value& other) const;

 private:
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> inner_;
};

struct Member {
  std::string name;
  Value value;
};

/// One whole text. Errors as json::read; a member given twice is a violation.
Result<Value> parse(std::string_view text, const ReadOptions& options = {});
/// Indented by two spaces, for people.
std::string to_pretty(const Value& value);

}  // namespace yun::json
