#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "yun/base/strings.hpp"
#include "yun/json/write.hpp"
#include "yun/rpc/schema_types.hpp"
#include "yun/rpc/transcode.hpp"
#include "yun/rpc/well_known.hpp"
#include "yun/rpc/wire.hpp"

namespace yun::rpc {
namespace {

using JsonReader = json::Reader;

void put_fixed(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
}

std::uint64_t zigzag(std::int64_t value) { return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63); }

unsigned wire_type(FieldKind kind) {
  switch (kind) {
    case FieldKind::Fixed32:
    case FieldKind::Sfixed32:
    case FieldKind::Float: return 5;
    case FieldKind::Fixed64:
    case FieldKind::Sfixed64:
    case FieldKind::Double: return 1;
    case FieldKind::String:
    case FieldKind::Bytes:
    case FieldKind::Message: return 2;
    default: return 0;
  }
}

void put_tag(std::string& out, const FieldType& field) { wire::put_varint(out, std::uint64_t{field.number} << 3 | wire_type(field.kind)); }

/// Room for the length of a nested message, filled when its size is known. One byte is kept; a longer length moves the message up.
class Nested {
 public:
  explicit Nested(std::string& out) : out_(out), at_(out.size()) { out_ += '\0'; }
  ~Nested() {
    const std::size_t size = out_.size() - at_ - 1;
    std::string length;
    wire::put_varint(length, size);
    out_.replace(at_, 1, length);
  }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  std::string& out_;
  std::size_t at_;
};

/// A JSON number that is a whole one, also as "1.0" or "1e2"; nullopt if it is none or out of range.
template <typename I>
std::optional<I> whole(std::string_view text) {
  I number{};
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  if (parsed.ec == std::errc::result_out_of_range && text.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
  double real = 0;
  const auto as_real = std::from_chars(text.data(), end, real);
  if (as_real.ec != std::errc() || as_real.ptr != end || real != std::trunc(real)) return std::nullopt;
  // Beyond 2^53 a double does not say which integer was meant.
  if (std::fabs(real) > 9'007'199'254'740'992.0) return std::nullopt;
  if (real < static_cast<double>(std::numeric_limits<I>::min()) || real > static_cast<double>(std::numeric_limits<I>::max())) return std::nullopt;
  return static_cast<I>(real);
}

template <typename I>
std::string range() {
  return "must be an integer between " + std::to_string(std::numeric_limits<I>::min()) + " and " + std::to_string(std::numeric_limits<I>::max());
}

std::optional<std::string> decode_bytes(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (plain.ends_with('=')) plain.pop_back();
  plain.append((4 - plain.size() % 4) % 4, '=');
  return from_base64(plain);
}

class Encoder {
 public:
  Encoder(JsonReader& reader, std::string& out) : reader_(reader), out_(out) {}

  /// The value that comes next, as the body of a message.
  void message(const MessageType& type) {
    switch (type.known) {
      case WellKnown::None: members(type, {}); return;
      case WellKnown::Any: any(type); return;
      case WellKnown::Timestamp: text_form("must be a time as RFC 3339 has it, such as 2026-01-31T12:00:00Z", &parse_timestamp); return;
      case WellKnown::Duration: text_form("must be a duration in seconds, such as 1.5s", &parse_duration_json); return;
      case WellKnown::FieldMask: field_mask(type); return;
      case WellKnown::Struct: map(type.fields[0]); return;
      case WellKnown::ListValue: repeated(type.fields[0]); return;
      case WellKnown::Value: value(type); return;
      case WellKnown::Wrapper: one(type.fields[0]); return;
    }
  }

  /// `skipped`: fields that were bound already.
  void members(const MessageType& type, const std::vector<bool>& skipped) {
    if (!reader_.begin_object()) return;
    Seen seen(type, skipped);
    std::string_view key;
    while (reader_.next_member(key)) member(type, key, seen);
  }

  /// Text from a path or query, as the field's value. False if it does not fit; `why` then says so.
  static bool bind(const FieldType& field, std::string_view text, std::string& out, std::string& why) {
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
    JsonReader reader(json, {});
    Encoder encoder(reader, out);
    encoder.one(field);
    auto outcome = reader.finish();
    if (outcome) return true;
    const auto& violations = outcome.error().violations();
    why = violations.empty() ? (is_bare ? "must be true or false" : "has a wrong value") : violations.front().detail;
    return false;
  }

 private:
  /// What was met in an object: no field twice, no two of a oneof.
  struct Seen {
    Seen(const MessageType& type, const std::vector<bool>& given) : bound(given), fields(type.fields.size()), oneofs(type.oneofs) {}
    const std::vector<bool>& bound;
    std::vector<bool> fields;
    std::vector<bool> oneofs;
  };

  static bool takes_null(const FieldType& field) {
    if (field.kind == FieldKind::Message) return field.message->known == WellKnown::Value;
    return field.kind == FieldKind::Enum && field.enumeration->is_null;
  }

  void member(const MessageType& type, std::string_view key, Seen& seen) {
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
    if (reader_.peek() == JsonReader::Kind::Null && !takes_null(*field)) {
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

  void repeated(const FieldType& field) {
    if (!reader_.begin_array()) return;
    for (std::size_t i = 0; reader_.next_element(); ++i) {
      json::Place place(reader_.faults().top, i);
      one(field);
    }
  }

  void map(const FieldType& field) {
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

  void map_key(const FieldType& key, const std::string& text) {
    if (key.kind == FieldKind::String) {
      wire::put_bytes(out_, key.number, text);
      return;
    }
    if (key.kind == FieldKind::Bool) {
      if (text != "true" && text != "false") reader_.violation("the key must be true or false");
      wire::put_number(out_, key.number, text == "true");
      return;
    }
    if (!integer(key, text)) reader_.violation("the key must be an integer within the range of its type");
  }

  /// Tag and value of one occurrence.
  void one(const FieldType& field) {
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

  void number(const FieldType& field) {
    std::string_view text;
    if (reader_.peek() == JsonReader::Kind::String) {
      if (!reader_.read_view(text)) return;
    } else if (reader_.peek() == JsonReader::Kind::Number) {
      bool is_integer = false;
      if (!reader_.read_number(text, is_integer)) return;
    } else {
      std::int64_t ignored = 0;
      (void)reader_.read_signed(ignored, 0, 0);  // notes that it must be an integer
      return;
    }
    if (!integer(field, text)) reader_.violation(range_of(field.kind));
  }

  static std::string range_of(FieldKind kind) {
    switch (kind) {
      case FieldKind::Int32:
      case FieldKind::Sint32:
      case FieldKind::Sfixed32: return range<std::int32_t>();
      case FieldKind::Uint32:
      case FieldKind::Fixed32: return range<std::uint32_t>();
      case FieldKind::Uint64:
      case FieldKind::Fixed64: return range<std::uint64_t>();
      default: return range<std::int64_t>();
    }
  }

  bool integer(const FieldType& field, std::string_view text) {
    switch (field.kind) {
      case FieldKind::Int32: return put<std::int32_t>(field, text, [](std::int32_t n) { return static_cast<std::uint64_t>(std::int64_t{n}); });
      case FieldKind::Sint32: return put<std::int32_t>(field, text, [](std::int32_t n) { return zigzag(n); });
      case FieldKind::Sfixed32: return put<std::int32_t>(field, text, [](std::int32_t n) { return static_cast<std::uint64_t>(static_cast<std::uint32_t>(n)); });
      case FieldKind::Uint32:
      case FieldKind::Fixed32: return put<std::uint32_t>(field, text, [](std::uint32_t n) { return std::uint64_t{n}; });
      case FieldKind::Int64:
      case FieldKind::Sfixed64: return put<std::int64_t>(field, text, [](std::int64_t n) { return static_cast<std::uint64_t>(n); });
      case FieldKind::Sint64: return put<std::int64_t>(field, text, [](std::int64_t n) { return zigzag(n); });
      default: return put<std::uint64_t>(field, text, [](std::uint64_t n) { return n; });
    }
  }

  template <typename I, typename F>
  bool put(const FieldType& field, std::string_view text, F encode) {
    const auto given = whole<I>(text);
    if (!given) return false;
    put_tag(out_, field);
    switch (wire_type(field.kind)) {
      case 5: put_fixed(out_, encode(*given), 4); break;
      case 1: put_fixed(out_, encode(*given), 8); break;
      default: wire::put_varint(out_, encode(*given)); break;
    }
    return true;
  }

  void floating(const FieldType& field) {
    double given = 0;
    if (reader_.peek() == JsonReader::Kind::String) {
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
    if (field.kind == FieldKind::Double) {
      put_tag(out_, field);
      put_fixed(out_, std::bit_cast<std::uint64_t>(given), 8);
      return;
    }
    if (std::isfinite(given) && std::fabs(given) > std::numeric_limits<float>::max()) {
      reader_.violation("must be a number within the range of a float");
      return;
    }
    put_tag(out_, field);
    put_fixed(out_, std::bit_cast<std::uint32_t>(static_cast<float>(given)), 4);
  }

  void enumeration(const FieldType& field) {
    if (field.enumeration->is_null && reader_.peek() == JsonReader::Kind::Null) {
      (void)reader_.read_null();
      wire::put_number(out_, field.number, 0);
      return;
    }
    if (reader_.peek() == JsonReader::Kind::Number) {
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

  void text_form(const char* wanted, std::optional<SecondsNanos> (*parse)(std::string_view)) {
    std::string_view text;
    if (!reader_.read_view(text)) return;
    const auto parsed = parse(text);
    if (!parsed) {
      reader_.violation(wanted);
      return;
    }
    if (parsed->seconds) wire::put_number(out_, 1, static_cast<std::uint64_t>(parsed->seconds));
    if (parsed->nanos) wire::put_number(out_, 2, static_cast<std::uint64_t>(std::int64_t{parsed->nanos}));
  }

  void field_mask(const MessageType&) {
    std::string_view text;
    if (!reader_.read_view(text)) return;
    for (const std::string_view path : split(text, ',')) {
      if (!path.empty()) wire::put_bytes(out_, 1, snake(path));
    }
  }

  /// google.protobuf.Value: null 1, number 2, string 3, bool 4, struct 5, list 6.
  void value(const MessageType& type) {
    switch (reader_.peek()) {
      case JsonReader::Kind::Null:
        (void)reader_.read_null();
        wire::put_number(out_, 1, 0);
        return;
      case JsonReader::Kind::Number: one(type.fields[static_cast<std::size_t>(type.index(2))]); return;
      case JsonReader::Kind::String: one(type.fields[static_cast<std::size_t>(type.index(3))]); return;
      case JsonReader::Kind::Bool: one(type.fields[static_cast<std::size_t>(type.index(4))]); return;
      case JsonReader::Kind::Object: one(type.fields[static_cast<std::size_t>(type.index(5))]); return;
      case JsonReader::Kind::Array: one(type.fields[static_cast<std::size_t>(type.index(6))]); return;
      case JsonReader::Kind::None: (void)reader_.skip(); return;  // notes what is wrong with the text
    }
  }

  void any(const MessageType& type) {
    const auto url = reader_.look_up("@type");
    if (!url) {
      if (reader_.peek() == JsonReader::Kind::Object && reader_.ok()) reader_.violation("lacks \"@type\"");
      (void)reader_.skip();
      return;
    }
    const auto found = type.schema->message_by_name.find(url->substr(url->rfind('/') + 1));
    if (found == type.schema->message_by_name.end()) {
      reader_.violation("has an unknown \"@type\"");
      (void)reader_.skip();
      return;
    }
    wire::put_bytes(out_, 1, *url);
    wire::put_varint(out_, 2 << 3 | 2);
    Nested nested(out_);
    const MessageType& held = *found->second;
    if (held.known == WellKnown::None && !held.field("@type")) {
      any_members(held);
      return;
    }
    std::string_view key;
    if (!reader_.begin_object()) return;
    while (reader_.next_member(key)) {
      if (key == "value") {
        json::Place place(reader_.faults().top, "value");
        message(held);
      } else {
        (void)reader_.skip();
      }
    }
  }

  void any_members(const MessageType& type) {
    if (!reader_.begin_object()) return;
    const std::vector<bool> none;
    Seen seen(type, none);
    std::string_view key;
    while (reader_.next_member(key)) {
      if (key == "@type") {
        (void)reader_.skip();
      } else {
        member(type, key, seen);
      }
    }
  }

  JsonReader& reader_;
  std::string& out_;
};

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
  if (!Encoder::bind(*path.back(), binding.value, encoded, why)) {
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
    JsonReader reader(json, {.max_depth = options.max_depth, .max_size = options.max_size, .unknown = options.unknown});
    Encoder encoder(reader, out);
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
