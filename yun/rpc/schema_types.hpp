#pragma once
// Inside Schema: message types as the transcoder walks them. Not for users.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "yun/rpc/schema.hpp"

namespace yun::rpc {

enum class FieldKind : std::uint8_t {
  Int32, Sint32, Sfixed32, Int64, Sint64, Sfixed64, Uint32, Fixed32, Uint64, Fixed64, Float, Double, Bool, String, Bytes, Enum, Message,
};

/// Types whose JSON is not that of their fields.
enum class WellKnown : std::uint8_t { None, Any, Timestamp, Duration, FieldMask, Struct, Value, ListValue, Wrapper };

struct EnumType {
  std::string full_name;
  std::vector<std::pair<std::string, std::int32_t>> values;
  bool is_null = false;  ///< google.protobuf.NullValue

  const std::int32_t* number(std::string_view name) const;
  /// "" for an unknown number.
  std::string_view name(std::int32_t number) const;
};

struct FieldType {
  std::string name;
  std::string json_name;
  std::string key;       ///< `"name":`
  std::string json_key;  ///< `"jsonName":`
  std::uint32_t number = 0;
  FieldKind kind = FieldKind::Int32;
  bool repeated = false;
  bool packed = false;
  bool map = false;
  bool presence = false;      ///< absent is told from the default (optional, oneof, message)
  int oneof = -1;             ///< of its message; -1 = none
  std::string default_json;   ///< of a scalar
  const MessageType* message = nullptr;
  const EnumType* enumeration = nullptr;
};

struct MessageType {
  std::string full_name;
  WellKnown known = WellKnown::None;
  std::vector<FieldType> fields;  ///< as declared
  std::unordered_map<std::string_view, std::uint32_t> by_name;  ///< both spellings, to an index
  std::unordered_map<std::uint32_t, std::uint32_t> by_number;
  std::uint32_t oneofs = 0;
  const Schema::State* schema = nullptr;

  const FieldType* field(std::string_view spelling) const;
  /// -1 if there is none.
  int index(std::uint32_t number) const;
};

struct Schema::State {
  std::deque<MessageType> messages;
  std::deque<EnumType> enums;
  std::unordered_map<std::string, const MessageType*> message_by_name;
  std::unordered_map<std::string, const EnumType*> enum_by_name;
  std::vector<MethodType> methods;
};

}  // namespace yun::rpc
