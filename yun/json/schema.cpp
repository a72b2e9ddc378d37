#include "yun/json/schema.hpp"

namespace yun::json {

bool Schemas::claim(std::string_view pretty, std::string_view wanted, std::string& name) {
  if (const auto known = names_.find(pretty); known != names_.end()) {
    name = known->second;
    return false;
  }
  name = wanted;
  for (int number = 2; components_.find(name); ++number) name = std::string(wanted) + std::to_string(number);
  names_.emplace(pretty, name);
  components_[name] = Object();  // taken from now on, so that a type that holds itself ends
  return true;
}

namespace detail {
namespace {

/// A limit as an integer where it is one.
Value limit(long double value) {
  if (value >= -0x1p63L && value < 0x1p63L && value == static_cast<long double>(static_cast<std::int64_t>(value)))
    return static_cast<std::int64_t>(value);
  if (value >= 0x1p63L && value < 0x1p64L) return static_cast<std::uint64_t>(value);
  return static_cast<double>(value);
}

}  // namespace

Value integer_schema(bool is_signed, int bits) {
  Value schema = Value::object({{"type", "integer"}});
  if (is_signed && bits >= 32) {
    schema["format"] = bits == 32 ? "int32" : "int64";
    return schema;
  }
  schema["minimum"] = is_signed ? -(std::int64_t{1} << (bits - 1)) : std::int64_t{0};
  if (bits < 64) schema["maximum"] = (std::int64_t{1} << (is_signed ? bits - 1 : bits)) - 1;
  return schema;
}

Value text_schema(std::string_view format) {
  Value schema = Value::object({{"type", "string"}});
  if (!format.empty()) schema["format"] = format;
  return schema;
}

Value enum_schema(const reflect::EnumTable& table) {
  Array names;
  for (const auto& entry : table.entries) names.push_back(entry.name);
  return Value::object({{"type", "string"}, {"enum", std::move(names)}});
}

Value nullable(Value schema) {
  if (schema.size() == 0) return schema;  // anything, null included
  if (const auto* type = std::as_const(schema)["type"].as_string()) {
    Value both = Value::array({*type, "null"});
    schema["type"] = std::move(both);
    if (Value* names = schema.as_object()->find("enum")) names->push_back(nullptr);
    return schema;
  }
  if (std::as_const(schema)["type"].as_array()) return schema;  // optional of optional
  return Value::object({{"anyOf", Value::array({std::move(schema), Value::object({{"type", "null"}})})}});
}

void apply(const Constraints& rules, Value& schema) {
  if (rules.lowest) schema["minimum"] = limit(*rules.lowest);
  if (rules.highest) schema["maximum"] = limit(*rules.highest);
  if (rules.not_blank) {
    schema["minLength"] = 1;
    schema["pattern"] = "\\S";
  }
  if (rules.min_length) schema["minLength"] = *rules.min_length;
  if (rules.max_length) schema["maxLength"] = *rules.max_length;
  if (rules.email) schema["format"] = "email";
  if (!rules.one_of.empty()) schema["enum"] = Array(rules.one_of.begin(), rules.one_of.end());
  if (!rules.pattern_text.empty()) schema["pattern"] = rules.pattern_text;
  const bool is_map = std::as_const(schema)["additionalProperties"].as_object() != nullptr;
  if (rules.min_items) schema[is_map ? "minProperties" : "minItems"] = *rules.min_items;
  if (rules.max_items) schema[is_map ? "maxProperties" : "maxItems"] = *rules.max_items;
}

Value alternative(Value reference, std::string_view tag) {
  Value tagged = Value::object({{"type", "object"},
                                {"properties", Value::object({{std::string(kTagKey), Value::object({{"const", tag}})}})},
                                {"required", Value::array({kTagKey})}});
  return Value::object({{"allOf", Value::array({std::move(reference), std::move(tagged)})}});
}

Value finish_schema(Value root, const Object& components) {
  Value document = Value::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"}});
  for (auto& member : *root.as_object()) document[member.name] = std::move(member.value);
  if (!components.empty()) document["$defs"] = components;
  return document;
}

}  // namespace detail
}  // namespace yun::json
