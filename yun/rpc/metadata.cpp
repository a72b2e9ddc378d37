#include "yun/rpc/metadata.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "yun/base/strings.hpp"

namespace yun::rpc {
namespace {

bool is_name_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; }
bool is_binary(std::string_view name) { return name.ends_with("-bin"); }

/// Base64 with or without padding: peers send both.
std::optional<std::string> decode_binary(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string padded(text);
  padded.append((4 - padded.size() % 4) % 4, '=');
  return from_base64(padded);
}

std::string encode_binary(std::string_view bytes) {
  std::string text = to_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::optional<std::string> value_of(const http::Headers::Field& field) {
  if (!is_binary(field.name)) return std::string(field.value);
  // Several values of one name may have been joined by a proxy; the first is the one asked for.
  return decode_binary(trim(field.value.substr(0, field.value.find(','))));
}

}  // namespace

bool is_reserved(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kNames = {"te",   "content-type",      "content-length", "connection", "transfer-encoding",
                                                             "host", "proxy-connection", "keep-alive",     "upgrade"};
  return name.empty() || name.starts_with(':') || name.starts_with("grpc-") || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::optional<std::string> Metadata::get(std::string_view name) const {
  for (const auto field : fields_) {
    if (field.name == name) return value_of(field);
  }
  return std::nullopt;
}

std::vector<std::string> Metadata::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto field : fields_) {
    if (field.name != name) continue;
    auto value = value_of(field);
    if (value) values.push_back(std::move(*value));
  }
  return values;
}

Result<void> Metadata::add(std::string_view name, std::string_view value) {
  const std::string lower = to_lower(name);
  if (is_reserved(lower)) return invalid_argument("metadata \"" + lower + "\": the name is reserved");
  if (!std::all_of(lower.begin(), lower.end(), is_name_character)) return invalid_argument("metadata \"" + lower + "\": bad character in the name");
  if (is_binary(lower)) {
    fields_.add(lower, encode_binary(value));
    return {};
  }
  const bool printable = std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (!printable) return invalid_argument("metadata \"" + lower + "\": the value is not printable ASCII (a name ending in -bin carries bytes)");
  fields_.add(lower, value);
  return {};
}

Metadata Metadata::from(const http::Headers& headers) {
  Metadata metadata;
  for (const auto field : headers) {
    if (!is_reserved(field.name)) metadata.fields_.add(field.name, field.value);
  }
  return metadata;
}

void Metadata::append_to(http::Headers& headers) const {
  for (const auto field : fields_) headers.add(field.name, field.value);
}

std::optional<Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  const auto number = parse_u64(text.substr(0, text.size() - 1));
  if (!number) return std::nullopt;
  std::uint64_t unit = 0;
  switch (text.back()) {
    case 'H': unit = 3'600'000'000'000; break;
    case 'M': unit = 60'000'000'000; break;
    case 'S': unit = 1'000'000'000; break;
    case 'm': unit = 1'000'000; break;
    case 'u': unit = 1'000; break;
    case 'n': unit = 1; break;
    default: return std::nullopt;
  }
  const auto most = static_cast<std::uint64_t>(Duration::max().count());
  if (*number > most / unit) return Duration::max();
  return Duration(static_cast<std::int64_t>(*number * unit));
}

std::string format_timeout(Duration timeout) {
  if (timeout <= Duration::zero()) return "0n";
  static constexpr struct {
    std::uint64_t nanoseconds;
    char letter;
  } kUnits[] = {{1, 'n'}, {1'000, 'u'}, {1'000'000, 'm'}, {1'000'000'000, 'S'}, {60'000'000'000, 'M'}, {3'600'000'000'000, 'H'}};
  const auto count = static_cast<std::uint64_t>(timeout.count());
  for (const auto& unit : kUnits) {
    const std::uint64_t number = (count - 1) / unit.nanoseconds + 1;
    if (number <= 99'999'999) return std::to_string(number) + unit.letter;
  }
  return "99999999H";
}

std::string encode_message(std::string_view message) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(message.size());
  for (const char c : message) {
    if (c >= 0x20 && c <= 0x7e && c != '%') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string decode_message(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto parsed = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      if (parsed.ec == std::errc() && parsed.ptr == text.data() + i + 3) {
        out += static_cast<char>(byte);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace yun::rpc
