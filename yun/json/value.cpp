#include "yun/json/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "yun/base/strings.hpp"
#include "yun/json/read.hpp"
#include "yun/json/write.hpp"

namespace yun::json {
namespace {

const Value kNull;

/// Integers are below 2^64, where a double that is one is exact.
bool equal_numbers(std::int64_t integer, double number) {
  return number >= -0x1p63 && number < 0x1p63 && number == std::trunc(number) && static_cast<std::int64_t>(number) == integer;
}
bool equal_numbers(std::uint64_t integer, double number) {
  return number >= 0 && number < 0x1p64 && number == std::trunc(number) && static_cast<std::uint64_t>(number) == integer;
}

void write_pretty(std::string& out, const Value& value, std::size_t indent) {
  const auto line = [&out](std::size_t depth) {
    out += '\n';
    out.append(depth * 2, ' ');
  };
  if (const auto* array = value.as_array(); array && !array->empty()) {
    char separator = '[';
    for (const auto& item : *array) {
      out += separator;
      separator = ',';
      line(indent + 1);
      write_pretty(out, item, indent + 1);
    }
    line(indent);
    out += ']';
  } else if (const auto* object = value.as_object(); object && !object->empty()) {
    char separator = '{';
    for (const auto& member : *object) {
      out += separator;
      separator = ',';
      line(indent + 1);
      detail::write_string(out, member.name);
      out += ": ";
      write_pretty(out, member.value, indent + 1);
    }
    line(indent);
    out += '}';
  } else {
    write(out, value);
  }
}

}  // namespace

// Here, where Member is complete.
Object::Object() noexcept = default;
Object::Object(const Object&) = default;
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(const Object&) = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

Object::Object(std::initializer_list<Member> members) {
  members_.reserve(members.size());
  for (const auto& member : members) (*this)[member.name] = member.value;
}

const Value* Object::find(std::string_view name) const {
  for (const auto& member : members_)
    if (member.name == name) return &member.value;
  return nullptr;
}

Value* Object::find(std::string_view name) { return const_cast<Value*>(std::as_const(*this).find(name)); }

Value& Object::operator[](std::string_view name) {
  if (Value* const found = find(name)) return *found;
  return members_.emplace_back(Member{std::string(name), {}}).value;
}

Value& Object::append(std::string name) { return members_.emplace_back(Member{std::move(name), {}}).value; }

bool Object::erase(std::string_view name) {
  return std::erase_if(members_, [name](const Member& member) { return member.name == name; }) > 0;
}

std::size_t Object::size() const { return members_.size(); }
bool Object::empty() const { return members_.empty(); }

bool Object::operator==(const Object& other) const {
  if (members_.size() != other.members_.size()) return false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Member& mine = members_[i];
    const bool same_place = other.members_[i].name == mine.name;
    const Value* const theirs = same_place ? &other.members_[i].value : other.find(mine.name);
    if (!theirs || !(mine.value == *theirs)) return false;
  }
  return true;
}

Value Value::object(std::initializer_list<Member> members) { return Object(members); }

std::optional<bool> Value::as_bool() const {
  if (const auto* value = std::get_if<bool>(&inner_)) return *value;
  return std::nullopt;
}

std::optional<std::int64_t> Value::as_int() const {
  if (const auto* value = std::get_if<std::int64_t>(&inner_)) return *value;
  return std::nullopt;
}

std::optional<std::uint64_t> Value::as_uint() const {
  if (const auto* value = std::get_if<std::uint64_t>(&inner_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&inner_); value && *value >= 0) return static_cast<std::uint64_t>(*value);
  return std::nullopt;
}

std::optional<double> Value::as_double() const {
  if (const auto* value = std::get_if<double>(&inner_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&inner_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&inner_)) return static_cast<double>(*value);
  return std::nullopt;
}

const Value& Value::operator[](std::string_view name) const {
  const Object* const object = as_object();
  const Value* const found = object ? object->find(name) : nullptr;
  return found ? *found : kNull;
}

const Value& Value::operator[](std::size_t index) const {
  const Array* const array = as_array();
  return array && index < array->size() ? (*array)[index] : kNull;
}

Value& Value::operator[](std::string_view name) {
  if (!as_object()) inner_ = Object();
  return (*as_object())[name];
}

Value& Value::push_back(Value item) {
  if (!as_array()) inner_ = Array();
  return as_array()->emplace_back(std::move(item));
}

const Value* Value::find(std::string_view pointer) const {
  const Value* at = this;
  while (!pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::string_view step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    if (const Array* array = at->as_array()) {
      const auto index = parse_u64(step);
      if (!index || *index >= array->size() || (step.size() > 1 && step.front() == '0')) return nullptr;
      at = &(*array)[*index];
    } else if (const Object* object = at->as_object()) {
      std::string name;
      for (std::size_t i = 0; i < step.size(); ++i) {
        if (step[i] != '~') {
          name += step[i];
          continue;
        }
        const char escape = ++i < step.size() ? step[i] : '\0';
        if (escape != '0' && escape != '1') return nullptr;
        name += escape == '0' ? '~' : '/';
      }
      at = object->find(name);
      if (!at) return nullptr;
    } else {
      return nullptr;
    }
  }
  return at;
}

std::size_t Value::size() const {
  if (const auto* array = as_array()) return array->size();
  if (const auto* object = as_object()) return object->size();
  return 0;
}

bool Value::operator==(const Value& other) const {
  return std::visit(
      [](const auto& left, const auto& right) {
        using L = std::decay_t<decltype(left)>;
        using R = std::decay_t<decltype(right)>;
        if constexpr (std::same_as<L, R>)
          return left == right;
        else if constexpr (std::same_as<R, double> && (std::same_as<L, std::int64_t> || std::same_as<L, std::uint64_t>))
          return equal_numbers(left, right);
        else if constexpr (std::same_as<L, double> && (std::same_as<R, std::int64_t> || std::same_as<R, std::uint64_t>))
          return equal_numbers(right, left);
        else
          return false;  // an unsigned is only held where a signed does not reach
      },
      inner_, other.inner_);
}

Result<Value> parse(std::string_view text, const ReadOptions& options) { return read<Value>(text, options); }

std::string to_pretty(const Value& value) {
  std::string out;
  write_pretty(out, value, 0);
  return out;
}

namespace detail {
namespace {

Value read_number(Reader& reader) {
  std::string_view text;
  bool is_integer = false;
  if (!reader.read_number(text, is_integer)) return {};
  if (is_integer && text != "-0") {
    if (const auto number = parse_i64(text)) return *number;
    if (const auto number = parse_u64(text)) return *number;
  }
  // Read again from its own bytes, for the one set of rules on range.
  Reader again(text, reader.options());
  double number = 0;
  if (!again.read_double(number)) reader.violation("must be a number within the range of a double");
  return number;
}

void refuse_duplicates(Reader& reader, const Object& object) {
  if (object.size() < 2) return;
  std::vector<std::string_view> names;
  names.reserve(object.size());
  for (const auto& member : object) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  for (std::size_t i = 1; i < names.size(); ++i) {
    if (names[i] != names[i - 1] || (i > 1 && names[i] == names[i - 2])) continue;
    const Place place(reader.faults().top, names[i]);
    reader.violation("is given twice");
  }
}

}  // namespace

void read_dom(Reader& reader, Value& value) {
  using Kind = Reader::Kind;
  switch (reader.peek()) {
    case Kind::Null:
      value = nullptr;
      (void)reader.read_null();
      return;
    case Kind::Bool: {
      bool flag = false;
      if (reader.read_bool(flag)) value = flag;
      return;
    }
    case Kind::Number: value = read_number(reader); return;
    case Kind::String: {
      std::string text;
      if (reader.read_string(text)) value = std::move(text);
      return;
    }
    case Kind::Array: {
      value = Array();
      if (!reader.begin_array()) return;
      Array& array = *value.as_array();
      while (reader.next_element()) {
        const Place place(reader.faults().top, array.size());
        read_dom(reader, array.emplace_back());
      }
      return;
    }
    case Kind::Object: {
      value = Object();
      if (!reader.begin_object()) return;
      Object& object = *value.as_object();
      std::string_view name;
      while (reader.next_member(name)) {
        object.append(std::string(name));
        Member& member = *(object.end() - 1);
        const Place place(reader.faults().top, member.name);
        read_dom(reader, member.value);
      }
      if (reader.ok()) refuse_duplicates(reader, object);
      return;
    }
    case Kind::None: reader.skip(); return;  // says what is missing
  }
}

void write_value(std::string& out, const Value& value) {
  switch (value.type()) {
    case Type::Null: out += "null"; return;
    case Type::Bool: out += *value.as_bool() ? "true" : "false"; return;
    case Type::Int: write_signed(out, *value.as_int()); return;
    case Type::Uint: write_unsigned(out, *value.as_uint()); return;
    case Type::Double: write_double(out, *value.as_double()); return;
    case Type::String: write_string(out, *value.as_string()); return;
    case Type::Array: {
      out += '[';
      bool first = true;
      for (const auto& item : *value.as_array()) {
        if (!std::exchange(first, false)) out += ',';
        write_value(out, item);
      }
      out += ']';
      return;
    }
    case Type::Object: {
      out += '{';
      bool first = true;
      for (const auto& member : *value.as_object()) {
        if (!std::exchange(first, false)) out += ',';
        write_string(out, member.name);
        out += ':';
        write_value(out, member.value);
      }
      out += '}';
      return;
    }
  }
}

}  // namespace detail
}  // namespace yun::json
