#include "yun/base/strings.hpp"
#include "yun/rpc/json_encoder.hpp"
#include "yun/rpc/schema_types.hpp"
#include "yun/rpc/transcode.hpp"
#include "yun/rpc/wire.hpp"

namespace yun::rpc {
namespace {

std::string pointer_of(std::string_view path) {
  std::string pointer;
  for (const std::string_view part : split(path, '.')) {
    pointer += '/';
    pointer += part;
  }
  return pointer;
}

/// Writes one binding; its violation if it does not fit. `bound` learns which field of the top message it set.
void bind(const MessageType& top, const Binding& binding, std::string& out, std::vector<bool>& bound, std::vector<FieldViolation>& violations) {
  const std::vector<std::string_view> parts = split(binding.field, '.');
  const MessageType* type = &top;
  std::vector<const FieldType*> path;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const FieldType* field = type ? type->field(parts[i]) : nullptr;
    const bool inner = i + 1 < parts.size();
    const bool fits = field && !field->map && !(inner && (field->kind != FieldKind::Message || field->repeated));
    if (!fits) {
      violations.push_back({pointer_of(binding.field), "is not a field of " + top.full_name});
      return;
    }
    path.push_back(field);
    type = field->message;
  }
  if (path.empty()) return;
  std::string encoded;
  std::string why;
  if (!JsonEncoder::bind(*path.back(), binding.value, encoded, why)) {
    violations.push_back({pointer_of(binding.field), why});
    return;
  }
  if (path.size() == 1) bound[static_cast<std::size_t>(path[0] - top.fields.data())] = true;
  // From the inside out: parts of one message are merged by whoever reads it.
  for (std::size_t i = path.size() - 1; i-- > 0;) {
    std::string outer;
    wire::put_bytes(outer, path[i]->number, encoded);
    encoded = std::move(outer);
  }
  out += encoded;
}

}  // namespace

Result<std::string> json_to_wire(const MessageType& type, std::string_view json, std::span<const Binding> bindings, const JsonToWireOptions& options) {
  std::string tail;
  std::vector<bool> bound(type.fields.size());
  std::vector<FieldViolation> violations;
  for (const Binding& binding : bindings) bind(type, binding, tail, bound, violations);
  std::string out;
  if (!json.empty()) {
    json::Reader reader(json, {.max_depth = options.max_depth, .max_size = options.max_size, .unknown = options.unknown});
    JsonEncoder encoder(reader, out);
    if (type.known == WellKnown::None) {
      encoder.members(type, bound);
    } else {
      encoder.message(type);
    }
    auto outcome = reader.finish();
    if (!outcome) {
      if (outcome.error().violations().empty()) return std::move(outcome).error();
      violations.insert(violations.end(), outcome.error().violations().begin(), outcome.error().violations().end());
    }
  }
  if (!violations.empty()) return invalid_argument("the request has invalid fields").with_violations(std::move(violations));
  out += tail;
  return out;
}

Result<std::string> json_to_wire(const MessageType& type, std::string_view json, const JsonToWireOptions& options) {
  return json_to_wire(type, json, {}, options);
}

}  // namespace yun::rpc
