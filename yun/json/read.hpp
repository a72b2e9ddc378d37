#pragma once
// From JSON text to C++ values, in one pass and without a tree between; types.hpp tells which type reads what.
//
//     yun::Result<Order> order = json::read<Order>(body);
//
// Errors are InvalidArgument. Text that is no JSON: a message with the place, "invalid JSON at byte 17 (line 1, column 18): expected
// ':'", and no violations (HTTP 400). JSON that does not fit the type or breaks its rules (validate.hpp): one violation with its RFC
// 6901 pointer for each fault, all at once (HTTP 422).

#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "yun/json/reader.hpp"
#include "yun/json/types.hpp"
#include "yun/json/validate.hpp"

namespace yun::json {

/// One whole JSON text as a T, which must be default constructible. Nothing in the result refers to `text`.
template <typename T>
Result<T> read(std::string_view text, const ReadOptions& options = {});

/// Takes one value from `reader`; faults are noted there.
template <typename T>
void read_value(Reader& reader, T& value);

namespace detail {

struct Field {
  std::string_view name;
  std::size_t offset;
  void (*read)(Reader&, void*);
  bool required;
};

/// Reads an object into the struct at `record`; `tag_key` is a member that is taken without a look, "" for none.
void read_record(Reader& reader, void* record, std::span<const Field> fields, std::string_view tag_key);
void read_dom(Reader& reader, Value& value);
std::string one_of(const reflect::EnumTable& table);

template <typename T>
void read_field(Reader& reader, void* field) {
  read_value(reader, *static_cast<T*>(field));
}

template <Record T>
std::span<const Field> fields_of() {
  static const auto fields = [] {
    std::array<Field, reflect::names<T>().size()> table{};
    const auto& blank = reflect::detail::kBlank<T>;
    const auto* const base = reinterpret_cast<const char*>(&blank.value);
    std::size_t i = 0;
    reflect::for_each(blank.value, [&]<typename F>(std::string_view name, const F& field) {
      table[i++] = {name, static_cast<std::size_t>(reinterpret_cast<const char*>(&field) - base), &read_field<F>,
                    !Nullable<F> && !has_defaults<T>()};
    });
    return table;
  }();
  return fields;
}

template <Record T>
void read_alternative(Reader& reader, auto& variant) {
  read_record(reader, &variant.template emplace<T>(), fields_of<T>(), kTagKey);
}

/// Could T be read from a value of this kind?
template <typename T>
constexpr bool takes(Reader::Kind kind) {
  using Kind = Reader::Kind;
  if constexpr (std::same_as<T, bool>) return kind == Kind::Bool;
  else if constexpr (Integer<T> || Floating<T>) return kind == Kind::Number;
  else if constexpr (std::same_as<T, std::string> || Textual<T> || Enum<T>) return kind == Kind::String;
  else if constexpr (std::same_as<T, std::monostate>) return kind == Kind::Null;
  else if constexpr (Nullable<T>) return kind == Kind::Null || takes<std::remove_cvref_t<decltype(*std::declval<T&>())>>(kind);
  else if constexpr (List<T> || FixedArray<T>) return kind == Kind::Array;
  else if constexpr (Map<T> || Record<T>) return kind == Kind::Object;
  else return true;
}

template <typename... T>
void read_variant(Reader& reader, std::variant<T...>& value) {
  if constexpr ((Record<T> && ...)) {
    if (reader.peek() != Reader::Kind::Object) {
      (void)reader.begin_object();  // notes what is wrong
      return;
    }
    const auto name = reader.look_up(kTagKey);
    const bool found = name && ((*name == tag<T>() && (read_alternative<T>(reader, value), true)) || ...);
    if (found || !reader.ok()) return;
    reader.skip();
    std::string known;
    ((known += (known.empty() ? "" : ", ") + std::string(tag<T>())), ...);
    const Place place(reader.faults().top, kTagKey);
    reader.violation(name ? "must be one of: " + known : "is required, one of: " + known);
  } else {
    const Reader::Kind kind = reader.peek();
    const bool found = ((takes<T>(kind) && (read_value(reader, value.template emplace<T>()), true)) || ...);
    if (found) return;
    reader.skip();
    if (reader.ok()) reader.violation("is of the wrong type");
  }
}

}  // namespace detail

template <typename T>
Result<T> read(std::string_view text, const ReadOptions& options) {
  Reader reader(text, options);
  T value{};
  read_value(reader, value);
  if (reader.ok()) {
    reader.faults().begin_validation();
    detail::validate_value(value, reader.faults());
  }
  auto outcome = reader.finish();
  if (!outcome) return std::move(outcome).error();
  return value;
}

template <typename T>
void read_value(Reader& reader, T& value) {
  using namespace detail;
  if constexpr (std::same_as<T, bool>) {
    (void)reader.read_bool(value);
  } else if constexpr (Integer<T> && std::is_signed_v<T>) {
    std::int64_t number = 0;
    if (reader.read_signed(number, std::numeric_limits<T>::min(), std::numeric_limits<T>::max())) value = static_cast<T>(number);
  } else if constexpr (Integer<T>) {
    std::uint64_t number = 0;
    if (reader.read_unsigned(number, std::numeric_limits<T>::max())) value = static_cast<T>(number);
  } else if constexpr (Floating<T>) {
    double number = 0;
    if (reader.read_double(number)) value = static_cast<T>(number);
  } else if constexpr (std::same_as<T, std::string>) {
    (void)reader.read_string(value);
  } else if constexpr (std::same_as<T, Value>) {
    read_dom(reader, value);
  } else if constexpr (std::same_as<T, Raw>) {
    value.text = reader.skip();
  } else if constexpr (std::same_as<T, std::monostate>) {
    if (!reader.read_null()) {
      reader.skip();
      if (reader.ok()) reader.violation("must be null");
    }
  } else if constexpr (Textual<T>) {
    std::string_view text;
    if (!reader.read_view(text)) return;
    auto parsed = Text<T>::parse(text);
    if (parsed)
      value = *std::move(parsed);
    else
      reader.violation(parsed.error().message());
  } else if constexpr (Enum<T>) {
    std::string_view name;
    if (!reader.read_view(name)) return;
    const auto& table = reflect::enum_table<T>();
    if (const auto* entry = table.find(name))
      value = static_cast<T>(entry->value);
    else
      reader.violation(one_of(table));
  } else if constexpr (Nullable<T>) {
    if (reader.read_null()) {
      value.reset();
      return;
    }
    if constexpr (kIsPointer<T>) {
      value = std::make_unique<typename T::element_type>();
      read_value(reader, *value);
    } else {
      read_value(reader, value.emplace());
    }
  } else if constexpr (Variant<T>) {
    read_variant(reader, value);
  } else if constexpr (Map<T>) {
    value.clear();
    if (!reader.begin_object()) return;
    std::string_view key;
    while (reader.next_member(key)) {
      const auto [at, is_new] = value.try_emplace(std::string(key));
      const Place place(reader.faults().top, at->first);
      if (!is_new) reader.violation("is given twice");
      read_value(reader, at->second);
    }
  } else if constexpr (FixedArray<T>) {
    if (!reader.begin_array()) return;
    std::size_t i = 0;
    for (; reader.next_element(); ++i) {
      const Place place(reader.faults().top, i);
      if (i < value.size())
        read_value(reader, value[i]);
      else
        reader.skip();
    }
    if (reader.ok() && i != value.size()) reader.violation("must have exactly " + std::to_string(value.size()) + " items");
  } else if constexpr (List<T>) {
    value.clear();
    if (!reader.begin_array()) return;
    for (std::size_t i = 0; reader.next_element(); ++i) {
      const Place place(reader.faults().top, i);
      if constexpr (Set<T> || std::same_as<T, std::vector<bool>>) {
        typename T::value_type element{};
        read_value(reader, element);
        value.insert(value.end(), std::move(element));
      } else {
        read_value(reader, value.emplace_back());
      }
    }
  } else if constexpr (Record<T>) {
    read_record(reader, &value, fields_of<T>(), {});
  } else {
    static_assert(kUnsupported<T>, "json: this type cannot be read; see yun/json/types.hpp, or specialise json::Text<T>");
  }
}

}  // namespace yun::json
