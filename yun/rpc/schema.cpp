#include "yun/rpc/schema.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>

#include <algorithm>
#include <set>

#include "yun/json/write.hpp"
#include "yun/base/strings.hpp"
#include "yun/rpc/schema_types.hpp"

namespace yun::rpc {
namespace {

namespace pb = google::protobuf;

FieldKind kind_of(const pb::FieldDescriptor& field) {
  using D = pb::FieldDescriptor;
  switch (field.type()) {
    case D::TYPE_INT32: return FieldKind::Int32;
    case D::TYPE_SINT32: return FieldKind::Sint32;
    case D::TYPE_SFIXED32: return FieldKind::Sfixed32;
    case D::TYPE_INT64: return FieldKind::Int64;
    case D::TYPE_SINT64: return FieldKind::Sint64;
    case D::TYPE_SFIXED64: return FieldKind::Sfixed64;
    case D::TYPE_UINT32: return FieldKind::Uint32;
    case D::TYPE_FIXED32: return FieldKind::Fixed32;
    case D::TYPE_UINT64: return FieldKind::Uint64;
    case D::TYPE_FIXED64: return FieldKind::Fixed64;
    case D::TYPE_FLOAT: return FieldKind::Float;
    case D::TYPE_DOUBLE: return FieldKind::Double;
    case D::TYPE_BOOL: return FieldKind::Bool;
    case D::TYPE_STRING: return FieldKind::String;
    case D::TYPE_BYTES: return FieldKind::Bytes;
    case D::TYPE_ENUM: return FieldKind::Enum;
    default: return FieldKind::Message;
  }
}

WellKnown well_known(std::string_view full_name) {
  static constexpr std::string_view kPrefix = "google.protobuf.";
  if (!full_name.starts_with(kPrefix)) return WellKnown::None;
  const std::string_view name = full_name.substr(kPrefix.size());
  if (name == "Any") return WellKnown::Any;
  if (name == "Timestamp") return WellKnown::Timestamp;
  if (name == "Duration") return WellKnown::Duration;
  if (name == "FieldMask") return WellKnown::FieldMask;
  if (name == "Struct") return WellKnown::Struct;
  if (name == "Value") return WellKnown::Value;
  if (name == "ListValue") return WellKnown::ListValue;
  return name.ends_with("Value") && name != "NullValue" && name != "EnumValue" ? WellKnown::Wrapper : WellKnown::None;
}

/// The default as JSON, with 64-bit integers as strings.
std::string default_of(const pb::FieldDescriptor& field) {
  using D = pb::FieldDescriptor;
  switch (field.cpp_type()) {
    case D::CPPTYPE_INT32: return std::to_string(field.default_value_int32());
    case D::CPPTYPE_UINT32: return std::to_string(field.default_value_uint32());
    case D::CPPTYPE_INT64: return "\"" + std::to_string(field.default_value_int64()) + "\"";
    case D::CPPTYPE_UINT64: return "\"" + std::to_string(field.default_value_uint64()) + "\"";
    case D::CPPTYPE_DOUBLE: return json::to_json(field.default_value_double());
    case D::CPPTYPE_FLOAT: return json::to_json(field.default_value_float());
    case D::CPPTYPE_BOOL: return field.default_value_bool() ? "true" : "false";
    case D::CPPTYPE_ENUM: return field.enum_type()->full_name() == "google.protobuf.NullValue" ? "null" : json::to_json(field.default_value_enum()->name());
    case D::CPPTYPE_STRING:
      return json::to_json(field.type() == D::TYPE_BYTES ? to_base64(field.default_value_string()) : field.default_value_string());
    default: return "null";
  }
}

class Compiler {
 public:
  explicit Compiler(Schema::State& state) : state_(state) {}

  const MessageType* message(const pb::Descriptor& descriptor) {
    const auto found = state_.message_by_name.find(descriptor.full_name());
    if (found != state_.message_by_name.end()) return found->second;
    MessageType& type = state_.messages.emplace_back();
    // Known before its fields are looked at: types may contain themselves.
    state_.message_by_name.emplace(descriptor.full_name(), &type);
    type.full_name = descriptor.full_name();
    type.known = well_known(descriptor.full_name());
    type.schema = &state_;
    type.oneofs = static_cast<std::uint32_t>(descriptor.real_oneof_decl_count());
    type.fields.reserve(static_cast<std::size_t>(descriptor.field_count()));
    for (int i = 0; i < descriptor.field_count(); ++i) {
      if (descriptor.field(i)->type() == pb::FieldDescriptor::TYPE_GROUP) continue;  // proto2's groups have no JSON
      add_field(type, *descriptor.field(i));
    }
    for (std::uint32_t i = 0; i < type.fields.size(); ++i) {
      type.by_number.emplace(type.fields[i].number, i);
      type.by_name.emplace(type.fields[i].name, i);
    }
    for (std::uint32_t i = 0; i < type.fields.size(); ++i) type.by_name.emplace(type.fields[i].json_name, i);
    if (!has_shape(type)) type.known = WellKnown::None;
    return &type;
  }

  void file(const pb::FileDescriptor& descriptor) {
    for (int i = 0; i < descriptor.message_type_count(); ++i) (void)message(*descriptor.message_type(i));
    for (int i = 0; i < descriptor.service_count(); ++i) service(*descriptor.service(i));
  }

  void service(const pb::ServiceDescriptor& descriptor) {
    for (int i = 0; i < descriptor.method_count(); ++i) {
      const pb::MethodDescriptor& method = *descriptor.method(i);
      const bool in = method.client_streaming();
      const bool out = method.server_streaming();
      state_.methods.push_back({.service = descriptor.full_name(),
                                .name = method.name(),
                                .path = "/" + descriptor.full_name() + "/" + method.name(),
                                .kind = in ? (out ? Kind::Bidi : Kind::ClientStream) : (out ? Kind::ServerStream : Kind::Unary),
                                .input = message(*method.input_type()),
                                .output = message(*method.output_type())});
    }
  }

 private:
  /// A stranger may call a type google.protobuf.Value: only what looks like the real one is treated as it.
  static bool has_shape(const MessageType& type) {
    switch (type.known) {
      case WellKnown::Struct: return type.fields.size() == 1 && type.fields[0].map && type.fields[0].message->fields.size() == 2;
      case WellKnown::ListValue: return type.fields.size() == 1 && type.fields[0].repeated && type.fields[0].kind == FieldKind::Message;
      case WellKnown::Wrapper: return type.fields.size() == 1 && !type.fields[0].repeated && type.fields[0].kind != FieldKind::Message;
      case WellKnown::Value: {
        static constexpr FieldKind kKinds[] = {FieldKind::Enum, FieldKind::Double, FieldKind::String, FieldKind::Bool, FieldKind::Message, FieldKind::Message};
        if (type.fields.size() != 6 || type.oneofs != 1) return false;
        for (std::uint32_t i = 0; i < 6; ++i) {
          const int at = type.index(i + 1);
          if (at < 0) return false;
          const FieldType& field = type.fields[static_cast<std::size_t>(at)];
          if (field.kind != kKinds[i] || field.repeated || field.oneof != 0) return false;
        }
        return true;
      }
      default: return true;
    }
  }

  void add_field(MessageType& type, const pb::FieldDescriptor& descriptor) {
    FieldType field;
    field.name = descriptor.name();
    field.json_name = descriptor.json_name();
    field.key = json::to_json(field.name) + ":";
    field.json_key = json::to_json(field.json_name) + ":";
    field.number = static_cast<std::uint32_t>(descriptor.number());
    field.kind = kind_of(descriptor);
    field.repeated = descriptor.is_repeated();
    field.packed = descriptor.is_packed();
    field.map = descriptor.is_map();
    field.presence = descriptor.has_presence();
    if (descriptor.real_containing_oneof()) field.oneof = descriptor.real_containing_oneof()->index();
    if (field.kind == FieldKind::Message) {
      field.message = message(*descriptor.message_type());
    } else {
      field.default_json = field.repeated ? "" : default_of(descriptor);
    }
    if (field.kind == FieldKind::Enum) field.enumeration = enumeration(*descriptor.enum_type());
    type.fields.push_back(std::move(field));
  }

  const EnumType* enumeration(const pb::EnumDescriptor& descriptor) {
    const auto found = state_.enum_by_name.find(descriptor.full_name());
    if (found != state_.enum_by_name.end()) return found->second;
    EnumType& type = state_.enums.emplace_back();
    state_.enum_by_name.emplace(descriptor.full_name(), &type);
    type.full_name = descriptor.full_name();
    type.is_null = type.full_name == "google.protobuf.NullValue";
    for (int i = 0; i < descriptor.value_count(); ++i) type.values.emplace_back(descriptor.value(i)->name(), descriptor.value(i)->number());
    return &type;
  }

  Schema::State& state_;
};

/// Collects what protobuf says of files that do not fit.
class Complaints final : public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& file, const std::string& element, const pb::Message*, ErrorLocation, const std::string& message) override {
    if (text_.empty()) text_ = file + ": " + element + ": " + message;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

const std::int32_t* EnumType::number(std::string_view wanted) const {
  for (const auto& [value_name, value] : values) {
    if (value_name == wanted) return &value;
  }
  return nullptr;
}

std::string_view EnumType::name(std::int32_t wanted) const {
  for (const auto& [value_name, value] : values) {
    if (value == wanted) return value_name;
  }
  return {};
}

const FieldType* MessageType::field(std::string_view spelling) const {
  const auto found = by_name.find(spelling);
  return found == by_name.end() ? nullptr : &fields[found->second];
}

int MessageType::index(std::uint32_t number) const {
  const auto found = by_number.find(number);
  return found == by_number.end() ? -1 : static_cast<int>(found->second);
}

std::string_view name(const MessageType& type) { return type.full_name; }

Schema::Schema(std::unique_ptr<State> state) : state_(std::move(state)) {}
Schema::~Schema() = default;

Result<std::shared_ptr<const Schema>> Schema::build(std::span<const std::string> files) {
  pb::SimpleDescriptorDatabase given;
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const std::string& bytes : files) {
    pb::FileDescriptorProto file;
    if (!file.ParseFromString(bytes)) return invalid_argument("the bytes are no FileDescriptorProto");
    if (!seen.insert(file.name()).second) continue;
    names.push_back(file.name());
    if (!given.Add(file)) return invalid_argument(file.name() + ": declares a name that another file has");
  }
  // Imports of google/protobuf/*.proto that were not given come from this program.
  pb::DescriptorPoolDatabase linked(*pb::DescriptorPool::generated_pool());
  pb::MergedDescriptorDatabase all(&given, &linked);
  Complaints complaints;
  pb::DescriptorPool pool(&all, &complaints);
  auto state = std::make_unique<State>();
  Compiler compiler(*state);
  for (const std::string& file_name : names) {
    const pb::FileDescriptor* file = pool.FindFileByName(file_name);
    if (!file) return invalid_argument(complaints.text().empty() ? file_name + ": an import is missing" : complaints.text());
    compiler.file(*file);
  }
  return std::shared_ptr<const Schema>(std::make_shared<Schema>(std::move(state)));
}

Result<std::shared_ptr<const Schema>> Schema::linked(std::span<const std::string> services) {
  auto state = std::make_unique<State>();
  Compiler compiler(*state);
  for (const std::string& service : services) {
    const pb::ServiceDescriptor* descriptor = pb::DescriptorPool::generated_pool()->FindServiceByName(service);
    if (!descriptor) return not_found("the service " + service + " is not linked into this program");
    compiler.file(*descriptor->file());
  }
  return std::shared_ptr<const Schema>(std::make_shared<Schema>(std::move(state)));
}

const MethodType* Schema::method(std::string_view wanted) const {
  if (wanted.starts_with('/')) wanted.remove_prefix(1);
  for (const MethodType& method : state_->methods) {
    if (std::string_view(method.path).substr(1) == wanted) return &method;
  }
  return nullptr;
}

const MessageType* Schema::message(std::string_view full_name) const {
  const auto found = state_->message_by_name.find(std::string(full_name));
  return found == state_->message_by_name.end() ? nullptr : found->second;
}

const std::vector<MethodType>& Schema::methods() const { return state_->methods; }

}  // namespace yun::rpc
