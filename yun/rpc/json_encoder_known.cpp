// The types of google.protobuf that have a JSON form of their own.
#include "yun/base/strings.hpp"
#include "yun/rpc/json_encoder.hpp"

namespace yun::rpc {

void JsonEncoder::text_form(const char* wanted, std::optional<SecondsNanos> (*parse)(std::string_view)) {
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

void JsonEncoder::field_mask() {
  std::string_view text;
  if (!reader_.read_view(text)) return;
  for (const std::string_view path : split(text, ',')) {
    if (!path.empty()) wire::put_bytes(out_, 1, snake(path));
  }
}

/// google.protobuf.Value: null 1, number 2, string 3, bool 4, struct 5, list 6.
void JsonEncoder::value(const MessageType& type) {
  switch (reader_.peek()) {
    case json::Reader::Kind::Null:
      (void)reader_.read_null();
      wire::put_number(out_, 1, 0);
      return;
    case json::Reader::Kind::Number: one(type.fields[static_cast<std::size_t>(type.index(2))]); return;
    case json::Reader::Kind::String: one(type.fields[static_cast<std::size_t>(type.index(3))]); return;
    case json::Reader::Kind::Bool: one(type.fields[static_cast<std::size_t>(type.index(4))]); return;
    case json::Reader::Kind::Object: one(type.fields[static_cast<std::size_t>(type.index(5))]); return;
    case json::Reader::Kind::Array: one(type.fields[static_cast<std::size_t>(type.index(6))]); return;
    case json::Reader::Kind::None: (void)reader_.skip(); return;  // notes what is wrong with the text
  }
}

void JsonEncoder::any(const MessageType& type) {
  const auto url = reader_.look_up("@type");
  if (!url) {
    if (reader_.peek() == json::Reader::Kind::Object && reader_.ok()) reader_.violation("lacks \"@type\"");
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

void JsonEncoder::any_members(const MessageType& type) {
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

}  // namespace yun::rpc
