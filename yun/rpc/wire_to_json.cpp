#include <bit>
#include <cmath>
#include <charconv>

#include "yun/base/strings.hpp"
#include "yun/json/write.hpp"
#include "yun/rpc/schema_types.hpp"
#include "yun/rpc/transcode.hpp"
#include "yun/rpc/well_known.hpp"
#include "yun/rpc/wire.hpp"

namespace yun::rpc {
namespace {

enum class WireType : std::uint8_t { Varint, Fixed64, Bytes, Fixed32 };

WireType wire_type(FieldKind kind) {
  switch (kind) {
    case FieldKind::Fixed32:
    case FieldKind::Sfixed32:
    case FieldKind::Float: return WireType::Fixed32;
    case FieldKind::Fixed64:
    case FieldKind::Sfixed64:
    case FieldKind::Double: return WireType::Fixed64;
    case FieldKind::String:
    case FieldKind::Bytes:
    case FieldKind::Message: return WireType::Bytes;
    default: return WireType::Varint;
  }
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::int64_t zigzag(std::uint64_t value) { return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1)); }

Error malformed(const MessageType& type) { return internal_error("the bytes are no " + type.full_name); }

/// One occurrence of a field on the wire; those of one field are linked in order.
struct Occurrence {
  std::uint64_t value = 0;
  std::string_view bytes;
  int next = -1;
};

/// The fields of one message, sorted out.
struct Parsed {
  struct Chain {
    int first = -1;
    int last = -1;
  };
  std::vector<Chain> chains;  ///< by field index
  std::vector<Occurrence> occurrences;
  std::vector<int> oneof_winner;  ///< the field that came last, by oneof

  void add(int index, Occurrence occurrence) {
    const int at = static_cast<int>(occurrences.size());
    occurrences.push_back(occurrence);
    Chain& chain = chains[static_cast<std::size_t>(index)];
    if (chain.last >= 0) {
      occurrences[static_cast<std::size_t>(chain.last)].next = at;
    } else {
      chain.first = at;
    }
    chain.last = at;
  }
};

class JsonWriter {
 public:
  JsonWriter(std::string& out, const WireToJsonOptions& options) : out_(out), options_(options) {}

  Result<void> message(const MessageType& type, std::string_view wire, std::size_t depth) {
    if (depth >= options_.max_depth) return internal_error(type.full_name + ": nested deeper than " + std::to_string(options_.max_depth));
    switch (type.known) {
      case WellKnown::None: return members(type, wire, depth, '{');
      case WellKnown::Any: return any(type, wire, depth);
      case WellKnown::Timestamp: return seconds_and_nanos(type, wire, true);
      case WellKnown::Duration: return seconds_and_nanos(type, wire, false);
      case WellKnown::FieldMask: return field_mask(type, wire);
      case WellKnown::Wrapper: return wrapper(type, wire, depth);
      case WellKnown::Struct:
      case WellKnown::ListValue: return collection(type, wire, depth);
      case WellKnown::Value: return value(type, wire, depth);
    }
    return {};
  }

 private:
  Result<void> parse(const MessageType& type, std::string_view wire, Parsed& parsed) {
    parsed.chains.resize(type.fields.size());
    parsed.oneof_winner.assign(type.oneofs, -1);
    wire::Fields fields(wire);
    while (auto field = fields.next()) {
      const int index = type.index(field->number);
      if (index < 0) continue;
      const FieldType& declared = type.fields[static_cast<std::size_t>(index)];
      const WireType wanted = wire_type(declared.kind);
      Occurrence occurrence{field->value, field->bytes};
      if (field->type == 2 && wanted != WireType::Bytes && declared.repeated) {
        YUN_GET(ignored, unpack(type, index, wanted, field->bytes, parsed));
        (void)ignored;
        continue;
      }
      const WireType came = field->type == 0 ? WireType::Varint : field->type == 1 ? WireType::Fixed64 : field->type == 2 ? WireType::Bytes : WireType::Fixed32;
      if (came != wanted) continue;  // as an unknown field
      if (came == WireType::Fixed32 || came == WireType::Fixed64) occurrence.value = little_endian(field->bytes);
      if (declared.oneof >= 0) parsed.oneof_winner[static_cast<std::size_t>(declared.oneof)] = index;
      parsed.add(index, occurrence);
    }
    if (!fields.ok()) return malformed(type);
    return {};
  }

  Result<bool> unpack(const MessageType& type, int index, WireType wanted, std::string_view bytes, Parsed& parsed) {
    if (wanted == WireType::Varint) {
      while (!bytes.empty()) {
        const auto number = wire::take_varint(bytes);
        if (!number) return malformed(type);
        parsed.add(index, {*number, {}});
      }
      return true;
    }
    const std::size_t size = wanted == WireType::Fixed32 ? 4 : 8;
    if (bytes.size() % size) return malformed(type);
    for (; !bytes.empty(); bytes.remove_prefix(size)) parsed.add(index, {little_endian(bytes.substr(0, size)), {}});
    return true;
  }

  Result<void> members(const MessageType& type, std::string_view wire, std::size_t depth, char separator) {
    Parsed parsed;
    auto done = parse(type, wire, parsed);
    if (!done) return done;
    for (std::size_t i = 0; i < type.fields.size(); ++i) {
      const FieldType& field = type.fields[i];
      const Parsed::Chain chain = parsed.chains[i];
      const bool lost = field.oneof >= 0 && parsed.oneof_winner[static_cast<std::size_t>(field.oneof)] != static_cast<int>(i);
      const bool absent = chain.first < 0 || lost;
      if (absent && (field.presence || !options_.defaults)) continue;
      out_ += separator;
      separator = ',';
      out_ += options_.proto_names ? field.key : field.json_key;
      auto written = member(field, parsed, chain, absent, depth);
      if (!written) return written;
    }
    if (separator == '{') out_ += '{';
    out_ += '}';
    return {};
  }

  Result<void> member(const FieldType& field, const Parsed& parsed, Parsed::Chain chain, bool absent, std::size_t depth) {
    if (field.map) return map(field, parsed, chain, depth);
    if (field.repeated) {
      out_ += '[';
      for (int at = chain.first; at >= 0; at = parsed.occurrences[static_cast<std::size_t>(at)].next) {
        if (at != chain.first) out_ += ',';
        auto written = one(field, parsed.occurrences[static_cast<std::size_t>(at)], depth);
        if (!written) return written;
      }
      out_ += ']';
      return {};
    }
    if (absent) {
      default_value(field);
      return {};
    }
    if (field.kind == FieldKind::Message && chain.first != chain.last) {
      // A message that comes in parts is their concatenation.
      std::string whole;
      for (int at = chain.first; at >= 0; at = parsed.occurrences[static_cast<std::size_t>(at)].next) whole += parsed.occurrences[static_cast<std::size_t>(at)].bytes;
      return message(*field.message, whole, depth + 1);
    }
    return one(field, parsed.occurrences[static_cast<std::size_t>(chain.last)], depth);
  }

  void default_value(const FieldType& field) {
    const bool quoted_number = options_.int64_as_number && field.kind >= FieldKind::Int64 && field.kind != FieldKind::String && field.default_json.size() > 2 &&
                               field.default_json.front() == '"' && is_64_bit(field.kind);
    out_ += quoted_number ? std::string_view(field.default_json).substr(1, field.default_json.size() - 2) : std::string_view(field.default_json);
  }

  static bool is_64_bit(FieldKind kind) {
    return kind == FieldKind::Int64 || kind == FieldKind::Sint64 || kind == FieldKind::Sfixed64 || kind == FieldKind::Uint64 || kind == FieldKind::Fixed64;
  }

  Result<void> map(const FieldType& field, const Parsed& parsed, Parsed::Chain chain, std::size_t depth) {
    // The last of equal keys wins.
    std::vector<std::pair<std::string, Occurrence>> entries;
    const FieldType& key = field.message->fields[0];
    const FieldType& mapped = field.message->fields[1];
    std::unordered_map<std::string, std::size_t> seen;
    for (int at = chain.first; at >= 0; at = parsed.occurrences[static_cast<std::size_t>(at)].next) {
      Parsed entry;
      auto done = parse(*field.message, parsed.occurrences[static_cast<std::size_t>(at)].bytes, entry);
      if (!done) return done;
      std::string text = entry.chains[0].last < 0 ? key.default_json : key_text(key, entry.occurrences[static_cast<std::size_t>(entry.chains[0].last)]);
      if (!text.starts_with('"')) text = '"' + text + '"';
      const Occurrence held = entry.chains[1].last < 0 ? Occurrence{} : entry.occurrences[static_cast<std::size_t>(entry.chains[1].last)];
      const auto [place, fresh] = seen.emplace(text, entries.size());
      if (fresh) {
        entries.emplace_back(std::move(text), held);
      } else {
        entries[place->second].second = held;
      }
    }
    char separator = '{';
    for (const auto& [text, held] : entries) {
      out_ += separator;
      separator = ',';
      out_ += text;
      out_ += ':';
      auto written = one(mapped, held, depth);
      if (!written) return written;
    }
    if (separator == '{') out_ += '{';
    out_ += '}';
    return {};
  }

  std::string key_text(const FieldType& key, const Occurrence& held) {
    std::string text;
    std::swap(text, out_);
    scalar(key, held);
    std::swap(text, out_);
    return text;
  }

  Result<void> one(const FieldType& field, const Occurrence& held, std::size_t depth) {
    if (field.kind == FieldKind::Message) return message(*field.message, held.bytes, depth + 1);
    scalar(field, held);
    return {};
  }

  void scalar(const FieldType& field, const Occurrence& held) {
    switch (field.kind) {
      case FieldKind::Int32:
      case FieldKind::Sfixed32: json::detail::write_signed(out_, static_cast<std::int32_t>(held.value)); return;
      case FieldKind::Sint32: json::detail::write_signed(out_, static_cast<std::int32_t>(zigzag(held.value & 0xffffffff))); return;
      case FieldKind::Uint32:
      case FieldKind::Fixed32: json::detail::write_unsigned(out_, static_cast<std::uint32_t>(held.value)); return;
      case FieldKind::Int64:
      case FieldKind::Sfixed64: signed64(static_cast<std::int64_t>(held.value)); return;
      case FieldKind::Sint64: signed64(zigzag(held.value)); return;
      case FieldKind::Uint64:
      case FieldKind::Fixed64: {
        if (!options_.int64_as_number) out_ += '"';
        json::detail::write_unsigned(out_, held.value);
        if (!options_.int64_as_number) out_ += '"';
        return;
      }
      case FieldKind::Float: floating(std::bit_cast<float>(static_cast<std::uint32_t>(held.value))); return;
      case FieldKind::Double: floating(std::bit_cast<double>(held.value)); return;
      case FieldKind::Bool: out_ += held.value ? "true" : "false"; return;
      case FieldKind::String: json::detail::write_string(out_, held.bytes); return;
      case FieldKind::Bytes: json::detail::write_string(out_, to_base64(held.bytes)); return;
      case FieldKind::Enum: {
        if (field.enumeration->is_null) {
          out_ += "null";
          return;
        }
        const auto number = static_cast<std::int32_t>(held.value);
        const std::string_view text = field.enumeration->name(number);
        if (text.empty()) {
          json::detail::write_signed(out_, number);
        } else {
          json::detail::write_string(out_, text);
        }
        return;
      }
      case FieldKind::Message: return;
    }
  }

  void signed64(std::int64_t number) {
    if (!options_.int64_as_number) out_ += '"';
    json::detail::write_signed(out_, number);
    if (!options_.int64_as_number) out_ += '"';
  }

  template <typename F>
  void floating(F number) {
    if (std::isnan(number)) {
      out_ += "\"NaN\"";
    } else if (std::isinf(number)) {
      out_ += number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    } else if constexpr (sizeof(F) == 4) {
      json::detail::write_float(out_, number);
    } else {
      json::detail::write_double(out_, number);
    }
  }

  Result<void> seconds_and_nanos(const MessageType& type, std::string_view wire, bool is_time) {
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
    wire::Fields fields(wire);
    while (auto field = fields.next()) {
      if (field->type != 0) continue;
      if (field->number == 1) seconds = static_cast<std::int64_t>(field->value);
      if (field->number == 2) nanos = static_cast<std::int32_t>(field->value);
    }
    if (!fields.ok()) return malformed(type);
    const auto text = is_time ? format_timestamp(seconds, nanos) : format_duration_json(seconds, nanos);
    if (!text) return internal_error(type.full_name + ": out of range");
    json::detail::write_string(out_, *text);
    return {};
  }

  Result<void> field_mask(const MessageType& type, std::string_view wire) {
    std::string text;
    wire::Fields fields(wire);
    while (auto field = fields.next()) {
      if (field->number != 1 || field->type != 2) continue;
      if (!text.empty()) text += ',';
      text += lower_camel(field->bytes);
    }
    if (!fields.ok()) return malformed(type);
    json::detail::write_string(out_, text);
    return {};
  }

  Result<void> wrapper(const MessageType& type, std::string_view wire, std::size_t depth) {
    Parsed parsed;
    auto done = parse(type, wire, parsed);
    if (!done) return done;
    return member(type.fields[0], parsed, parsed.chains[0], parsed.chains[0].first < 0, depth);
  }

  /// Struct and ListValue: their only field, without its name.
  Result<void> collection(const MessageType& type, std::string_view wire, std::size_t depth) {
    Parsed parsed;
    auto done = parse(type, wire, parsed);
    if (!done) return done;
    return member(type.fields[0], parsed, parsed.chains[0], parsed.chains[0].first < 0, depth);
  }

  Result<void> value(const MessageType& type, std::string_view wire, std::size_t depth) {
    Parsed parsed;
    auto done = parse(type, wire, parsed);
    if (!done) return done;
    const int winner = parsed.oneof_winner.empty() ? -1 : parsed.oneof_winner[0];
    if (winner < 0) {
      out_ += "null";
      return {};
    }
    const FieldType& field = type.fields[static_cast<std::size_t>(winner)];
    return member(field, parsed, parsed.chains[static_cast<std::size_t>(winner)], false, depth);
  }

  Result<void> any(const MessageType& type, std::string_view wire, std::size_t depth) {
    std::string_view url;
    std::string_view bytes;
    wire::Fields fields(wire);
    while (auto field = fields.next()) {
      if (field->number == 1 && field->type == 2) url = field->bytes;
      if (field->number == 2 && field->type == 2) bytes = field->bytes;
    }
    if (!fields.ok()) return malformed(type);
    if (url.empty()) {
      out_ += "{}";
      return {};
    }
    out_ += "{\"@type\":";
    json::detail::write_string(out_, url);
    const auto found = type.schema->message_by_name.find(std::string(url.substr(url.rfind('/') + 1)));
    if (found == type.schema->message_by_name.end()) {
      out_ += ",\"value\":";
      json::detail::write_string(out_, to_base64(bytes));
      out_ += '}';
      return {};
    }
    if (depth + 1 >= options_.max_depth) return internal_error(type.full_name + ": nested too deep");
    if (found->second->known == WellKnown::None) return members(*found->second, bytes, depth + 1, ',');
    out_ += ",\"value\":";
    auto written = message(*found->second, bytes, depth + 1);
    out_ += '}';
    return written;
  }

  std::string& out_;
  const WireToJsonOptions& options_;
};

}  // namespace

Result<void> wire_to_json(const MessageType& type, std::string_view wire, std::string& out, const WireToJsonOptions& options) {
  return JsonWriter(out, options).message(type, wire, 0);
}

}  // namespace yun::rpc
