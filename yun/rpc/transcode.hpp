#pragma once
// JSON to protobuf's wire format and back, by the proto3 JSON mapping, for types that are only known at run time.
//
//     YUN_GET(wire, rpc::json_to_wire(*method.input, R"({"name":"ann"})", {{"id", "42"}}));
//     std::string json;
//     auto done = rpc::wire_to_json(*method.output, answer, json);
//
// Sans-I/O: bytes in, bytes out. 64-bit integers are strings in JSON unless asked otherwise, bytes are base64, enums are names, Timestamp,
// Duration, FieldMask, Struct, Value, ListValue, Any and the wrappers have their own forms.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "yun/base/result.hpp"
#include "yun/json/reader.hpp"
#include "yun/rpc/schema.hpp"

namespace yun::rpc {

/// A field that does not come from the body: a path or query parameter. `field` may reach into messages ("filter.name"); a field that is
/// repeated takes one value a binding.
struct Binding {
  std::string_view field;
  std::string_view value;
};

struct JsonToWireOptions {
  std::size_t max_depth = 64;
  std::size_t max_size = 4u << 20;  ///< bytes of JSON; over it ResourceExhausted
  json::Unknown unknown = json::Unknown::Ignore;
};

/// Takes both spellings of a field ("page_size", "pageSize"). Empty text is an empty message. Bindings win over the body.
/// InvalidArgument without violations if it is no JSON (HTTP 400); with all violations, each with its pointer, if values do not fit (HTTP 422).
Result<std::string> json_to_wire(const MessageType& type, std::string_view json, std::span<const Binding> bindings, const JsonToWireOptions& options = {});
Result<std::string> json_to_wire(const MessageType& type, std::string_view json, const JsonToWireOptions& options = {});

struct WireToJsonOptions {
  std::size_t max_depth = 64;
  bool proto_names = true;      ///< "page_size"; false: "pageSize"
  bool defaults = true;         ///< fields that hold their default are written; those with presence (optional, oneof, messages) only when set
  bool int64_as_number = false;
};

/// Appends the JSON of one message to `out`. Internal if the bytes are malformed or nested too deep; `out` is then unspecified.
/// Fields that the type does not have are skipped.
Result<void> wire_to_json(const MessageType& type, std::string_view wire, std::string& out, const WireToJsonOptions& options = {});

}  // namespace yun::rpc
