#pragma once
// JSON Schema (2020-12, the dialect of OpenAPI 3.1) from the same types and rules that read, write and validate.
//
//     json::Value one = json::schema<Order>();              // whole: $schema, $ref, $defs
//     json::Schemas schemas("#/components/schemas/");
//     json::Value ref = schemas.add<Order>();               // {"$ref":"#/components/schemas/Order"}
//     document["components"]["schemas"] = schemas.components();
//
// A field is required unless it is optional<> or unique_ptr<>, or its struct says kDefaults; those two are nullable.

#include <limits>
#include <map>
#include <string>
#include <string_view>

#include "yun/json/types.hpp"
#include "yun/json/validate.hpp"
#include "yun/json/value.hpp"

namespace yun::json {

class Schemas {
 public:
  /// `prefix` is where the components will stand in the document.
  explicit Schemas(std::string prefix = "#/$defs/") : prefix_(std::move(prefix)) {}

  /// The schema of T. Structs become components, once each, and are given as a reference; two types of one name are told apart by a
  /// number behind the second.
  template <typename T>
  Value add();
  /// The structs added so far, by name, in the order they were met.
  const Object& components() const { return components_; }

 private:
  template <typename T>
  Value record();
  /// False if the type is there already; `name` is what its component is called.
  bool claim(std::string_view pretty, std::string_view wanted, std::string& name);
  Value reference(std::string_view name) const { return Value::object({{"$ref", prefix_ + std::string(name)}}); }

  std::string prefix_;
  Object components_;
  std::map<std::string, std::string, std::less<>> names_;  // full type name -> component
};

/// The schema of T alone, its structs in $defs.
template <typename T>
Value schema();

namespace detail {

Value integer_schema(bool is_signed, int bits);
Value text_schema(std::string_view format);
Value enum_schema(const reflect::EnumTable& table);
/// The same, or null.
Value nullable(Value schema);
/// Adds the keywords that say what `rules` checks.
void apply(const Constraints& rules, Value& schema);
/// The struct `reference` with its tag, as one alternative of a variant.
Value alternative(Value reference, std::string_view tag);
Value finish_schema(Value root, const Object& components);

template <typename... T>
Value variant_schema(Schemas& schemas, const std::variant<T...>*) {
  constexpr bool tagged = (Record<T> && ...);
  Array choices;
  const auto one = [&]<typename A>() {
    if constexpr (tagged)
      choices.push_back(alternative(schemas.add<A>(), tag<A>()));
    else
      choices.push_back(schemas.add<A>());
  };
  (one.template operator()<T>(), ...);
  Value schema = Value::object({{"oneOf", std::move(choices)}});
  if constexpr (tagged) schema["discriminator"]["propertyName"] = kTagKey;
  return schema;
}

}  // namespace detail

template <typename T>
Value Schemas::add() {
  using namespace detail;
  if constexpr (std::same_as<T, bool>) {
    return Value::object({{"type", "boolean"}});
  } else if constexpr (Integer<T>) {
    return integer_schema(std::is_signed_v<T>, std::numeric_limits<std::make_unsigned_t<T>>::digits);
  } else if constexpr (Floating<T>) {
    return Value::object({{"type", "number"}, {"format", sizeof(T) == 4 ? "float" : "double"}});
  } else if constexpr (std::same_as<T, std::string>) {
    return text_schema("");
  } else if constexpr (Textual<T>) {
    return text_schema(Text<T>::kFormat);
  } else if constexpr (std::same_as<T, Value> || std::same_as<T, Raw>) {
    return Object();
  } else if constexpr (std::same_as<T, std::monostate>) {
    return Value::object({{"type", "null"}});
  } else if constexpr (Enum<T>) {
    return enum_schema(reflect::enum_table<T>());
  } else if constexpr (Nullable<T>) {
    return nullable(add<InnerOf<T>>());
  } else if constexpr (Variant<T>) {
    return variant_schema(*this, static_cast<const T*>(nullptr));
  } else if constexpr (Map<T>) {
    return Value::object({{"type", "object"}, {"additionalProperties", add<typename T::mapped_type>()}});
  } else if constexpr (FixedArray<T>) {
    const std::size_t size = std::tuple_size_v<T>;
    return Value::object({{"type", "array"}, {"items", add<typename T::value_type>()}, {"minItems", size}, {"maxItems", size}});
  } else if constexpr (List<T>) {
    Value schema = Value::object({{"type", "array"}, {"items", add<std::ranges::range_value_t<T>>()}});
    if constexpr (Set<T>) schema["uniqueItems"] = true;
    return schema;
  } else if constexpr (Record<T>) {
    std::string name;
    if (claim(reflect::detail::pretty_type<T>(), reflect::type_name<T>(), name)) {
      Value made = record<T>();
      components_[name] = std::move(made);
    }
    return reference(name);
  } else {
    static_assert(kUnsupported<T>, "json: this type has no schema; see yun/json/types.hpp, or specialise json::Text<T>");
  }
}

template <typename T>
Value Schemas::record() {
  using namespace detail;
  const auto& rules = Rules<T>::of().fields();
  Object properties;
  Array required;
  std::size_t i = 0;
  reflect::for_each(reflect::detail::kBlank<T>.value, [&]<typename F>(std::string_view name, const F&) {
    Value property = add<InnerOf<F>>();
    for (const auto& rule : rules) {
      if (rule->field != i) continue;
      if (rule->each)
        apply(rule->constraints, property["items"]);
      else
        apply(rule->constraints, property);
    }
    ++i;
    properties[name] = Nullable<F> ? nullable(std::move(property)) : std::move(property);
    if (!Nullable<F> && !has_defaults<T>()) required.push_back(name);
  });
  Value schema = Value::object({{"type", "object"}, {"properties", std::move(properties)}});
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

template <typename T>
Value schema() {
  Schemas schemas;
  Value root = schemas.add<T>();
  return detail::finish_schema(std::move(root), schemas.components());
}

}  // namespace yun::json
