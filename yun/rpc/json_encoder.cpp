#include "yun/rpc/json_encoder.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "yun/base/strings.hpp"
#include "yun/json/write.hpp"
#include "yun/rpc/json_numbers.hpp"

namespace yun::rpc {
namespace {

bool takes_null(const FieldType& field) {
  if (field.kind == FieldKind::Message) return field.message->known == WellKnown::Value;
  return field.kind == FieldKind::Enum && field.enumeration->is_null;
}

std::optional<std::string> decode_bytes(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (plain.ends_with('=')) plain.pop_back();
  plain.append((4 - plain.size() % 4) % 4, '=');
  return from_base64(plain);
}

}  // namespace

void JsonEncoder::message(const MessageType& type) {
  switch (type.known) {
    case WellKnown::None: members(type, {}); return;
    case WellKnown::Any: any(type); return;
    case WellKnown::Timestamp: text_form("must be a time as RFC 3339 has it, such as 2026-01-31T12:00:00Z", &parse_timestamp); return;
    case WellKnown::Duration: text_form("must be a duration in seconds, such as 1.5s", &parse_duration_json); return;
    case WellKnown::FieldMask: field_mask(); return;
    case WellKnown::Struct: map(type.fields[0]); return;
    case WellKnown::ListValue: repeated(type.fields[0]); return;
    case WellKnown::Value: value(type); return;
    case WellKnown::Wrapper: one(type.fields[0]); return;
  }
}

void JsonEncoder::members(const MessageType& type, const std::vector<bool>& bound) {
  if (!reader_.begin_object()) return;
  Seen seen(type, bound);
  std::string_view key;
  while (reader_.next_member(key)) member(type, key, seen);
}

bool JsonEncoder::bind(const FieldType& field, std::string_view text, std::string& out, std::string& why) {
  // The text is made JSON where JSON has quotes; numbers in quotes are numbers too.
  if (field.kind == FieldKind::Message && (field.message->known == WellKnown::None || field.message->known == WellKnown::Any ||
                                           field.message->known == WellKnown::Struct || field.message->known == WellKnown::ListValue)) {
    why = "is a message and cannot be a parameter";
    return false;
  }
  FieldKind kind = field.kind;
  if (kind == FieldKind::Message && field.message->known == WellKnown::Wrapper) kind = field.message->fields[0].kind;
  std::string json;
  const bool is_bare = kind == FieldKind::Bool;
  const bool is_number = kind == FieldKind::Enum && !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (is_bare || is_number) {
    json = text;
  } else {
    json::detail::write_string(json, text);
  }
  json::Reader reader(json, {});
  JsonEncoder encoder(reader, out);
  encoder.one(field);
  auto outcome = reader.finish();
  if (outcome) return true;
  const auto& violations = outcome.error().violations();
  why = violations.empty() ? (is_bare ? "must be true or false" : "has a wrong value") : violations.front().detail;
  return false;
}

void JsonEncoder::member(const MessageType& type, std::string_view key, Seen& seen) {
  const FieldType* field = type.field(key);
  if (!field) {
    if (reader_.options().unknown == json::Unknown::Refuse) {
      const std::string copy(key);
      json::Place place(reader_.faults().top, copy);
      reader_.violation("is not a field of " + type.full_name);
    }
    (void)reader_.skip();
    return;
  }
  const auto index = static_cast<std::size_t>(field - type.fields.data());
  // The key as it was spelled, for the pointer.
  json::Place place(reader_.faults().top, key == field->name ? std::string_view(field->name) : std::string_view(field->json_name));
  if (!seen.bound.empty() && seen.bound[index]) {
    (void)reader_.skip();
    return;
  }
  if (seen.fields[index]) {
    reader_.violation("is given twice");
    (void)reader_.skip();
    return;
  }
  seen.fields[index] = true;
  if (reader_.peek() == json::Reader::Kind::Null && !takes_null(*field)) {
    (void)reader_.read_null();
    return;
  }
  if (field->oneof >= 0) {
    const auto oneof = static_cast<std::size_t>(field->oneof);
    if (seen.oneofs[oneof]) {
      reader_.violation("excludes another field that is given");
      (void)reader_.skip();
      return;
    }
    seen.oneofs[oneof] = true;
  }
  if (field->map) {
    map(*field);
  } else if (field->repeated) {
    repeated(*field);
  } else {
    one(*field);
  }
}

void JsonEncoder::repeated(const FieldType& field) {
  if (!reader_.begin_array()) return;
  for (std::size_t i = 0; reader_.next_element(); ++i) {
    json::Place place(reader_.faults().top, i);
    one(field);
  }
}

void JsonEncoder::map(const FieldType& field) {
  if (!reader_.begin_object()) return;
  std::string_view key;
  while (reader_.next_member(key)) {
    const std::string text(key);
    json::Place place(reader_.faults().top, text);
    wire::put_varint(out_, std::uint64_t{field.number} << 3 | 2);
    Nested entry(out_);
    map_key(field.message->fields[0], text);
    one(field.message->fields[1]);
  }
}

void JsonEncoder::map_key(const FieldType& key, const std::string& text) {
  if (key.kind == FieldKind::String) {
    wire::put_bytes(out_, key.number, text);
    return;
  }
  if (key.kind == FieldKind::Bool) {
    if (text != "true" && text != "false") reader_.violation("the key must be true or false");
    wire::put_number(out_, key.number, text == "true");
    return;
  }
  if (!put_integer(out_, key, text)) reader_.violation("the key must be an integer within the range of its type");
}

void JsonEncoder::one(const FieldType& field) {
  switch (field.kind) {
    case FieldKind::Message: {
      put_tag(out_, field);
      Nested nested(out_);
      message(*field.message);
      return;
    }
    case FieldKind::String: {
      std::string_view text;
      if (reader_.read_view(text)) wire::put_bytes(out_, field.number, text);
      return;
    }
    case FieldKind::Bytes: {
      std::string_view text;
      if (!reader_.read_view(text)) return;
      const auto bytes = decode_bytes(text);
      if (!bytes) {
        reader_.violation("must be base64");
        return;
      }
      wire::put_bytes(out_, field.number, *bytes);
      return;
    }
    case FieldKind::Bool: {
      bool given = false;
      if (reader_.read_bool(given)) wire::put_number(out_, field.number, given);
      return;
    }
    case FieldKind::Enum: enumeration(field); return;
    case FieldKind::Float:
    case FieldKind::Double: floating(field); return;
    default: number(field); return;
  }
}

void JsonEncoder::number(const FieldType& field) {
  std::string_view text;
  if (reader_.peek() == json::Reader::Kind::String) {
    if (!reader_.read_view(text)) return;
  } else if (reader_.peek() == json::Reader::Kind::Number) {
    bool is_integer = false;
    if (!reader_.read_number(text, is_integer)) return;
  } else {
    std::int64_t ignored = 0;
    (void)reader_.read_signed(ignored, 0, 0);  // notes that it must be an integer
    return;
  }
  if (!put_integer(out_, field, text)) reader_.violation(integer_rule(field.kind));
}

void JsonEncoder::floating(const FieldType& field) {
  double given = 0;
  if (reader_.peek() == json::Reader::Kind::String) {
    std::string_view text;
    if (!reader_.read_view(text)) return;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), given);
    if (text == "NaN") {
      given = std::numeric_limits<double>::quiet_NaN();
    } else if (text == "Infinity" || text == "-Infinity") {
      given = text[0] == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    } else if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !std::isfinite(given)) {
      reader_.violation("must be a number");
      return;
    }
  } else if (!reader_.read_double(given)) {
    return;
  }
  if (!put_floating(out_, field, given)) reader_.violation("must be a number within the range of a float");
}

void JsonEncoder::enumeration(const FieldType& field) {
  if (field.enumeration->is_null && reader_.peek() == json::Reader::Kind::Null) {
    (void)reader_.read_null();
    wire::put_number(out_, field.number, 0);
    return;
  }
  if (reader_.peek() == json::Reader::Kind::Number) {
    std::int64_t number = 0;
    if (reader_.read_signed(number, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max())) {
      wire::put_number(out_, field.number, static_cast<std::uint64_t>(number));
    }
    return;
  }
  std::string_view text;
  if (!reader_.read_view(text)) return;
  const std::int32_t* number = field.enumeration->number(text);
  if (!number) {
    std::string known;
    for (const auto& value : field.enumeration->values) known += (known.empty() ? "" : ", ") + value.first;
    reader_.violation("must be one of " + known);
    return;
  }
  wire::put_number(out_, field.number, static_cast<std::uint64_t>(std::int64_t{*number}));
}

}  // namespace yun::rpc
