#pragma once
// One JSON text, walked beside a message type and written as its wire format. Not for users: transcode.hpp has the way in.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/json/reader.hpp"
#include "yun/rpc/schema_types.hpp"
#include "yun/rpc/well_known.hpp"
#include "yun/rpc/wire.hpp"

namespace yun::rpc {

/// What does not fit is noted in the reader, with its pointer; what was written is then of no use.
class JsonEncoder {
 public:
  /// Both must outlive it.
  JsonEncoder(json::Reader& reader, std::string& out) : reader_(reader), out_(out) {}

  /// The value that comes next, as the body of a message.
  void message(const MessageType& type);
  /// An object's members as the fields of `type`, but for those whose index is set in `bound` (empty = none is).
  void members(const MessageType& type, const std::vector<bool>& bound);
  /// Text from a path or query, as the field's value. False if it does not fit; `why` then says so.
  static bool bind(const FieldType& field, std::string_view text, std::string& out, std::string& why);

 private:
  /// What was met in an object: no field twice, no two of a oneof.
  struct Seen {
    Seen(const MessageType& type, const std::vector<bool>& given) : bound(given), fields(type.fields.size()), oneofs(type.oneofs) {}
    const std::vector<bool>& bound;
    std::vector<bool> fields;
    std::vector<bool> oneofs;
  };
  void member(const MessageType& type, std::string_view key, Seen& seen);
  void repeated(const FieldType& field);
  void map(const FieldType& field);
  void map_key(const FieldType& key, const std::string& text);

  /// Tag and value of one occurrence.
  void one(const FieldType& field);
  void number(const FieldType& field);
  void floating(const FieldType& field);
  void enumeration(const FieldType& field);

  // Types whose JSON is not that of their fields (json_encoder_known.cpp).
  void text_form(const char* wanted, std::optional<SecondsNanos> (*parse)(std::string_view));
  void field_mask();
  void value(const MessageType& type);
  void any(const MessageType& type);
  void any_members(const MessageType& type);

  json::Reader& reader_;
  std::string& out_;
};

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

}  // namespace yun::rpc
