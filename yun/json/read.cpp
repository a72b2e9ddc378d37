#include "yun/json/read.hpp"

#include <vector>

#include "yun/base/strings.hpp"

namespace yun::json::detail {
namespace {

/// The field called `name`, looked for from `expected` on, as members mostly come in the order of the fields.
std::size_t find_field(std::span<const Field> fields, std::string_view name, std::size_t expected) {
  for (std::size_t i = expected; i < fields.size(); ++i)
    if (fields[i].name == name) return i;
  for (std::size_t i = 0; i < expected; ++i)
    if (fields[i].name == name) return i;
  return fields.size();
}

void refuse_unknown(Reader& reader, std::string_view name, std::span<const Field> fields) {
  std::vector<std::string_view> known;
  for (const auto& field : fields) known.push_back(field.name);
  const std::string kept(name);
  const Place place(reader.faults().top, kept);
  const auto near = nearest(kept, known);
  reader.violation(near ? "is no known field; did you mean \"" + std::string(*near) + "\"?" : "is no known field");
}

}  // namespace

void read_record(Reader& reader, void* record, std::span<const Field> fields, std::string_view tag_key) {
  if (!reader.begin_object()) return;
  std::uint64_t seen = 0;  // at most 48 fields
  std::size_t expected = 0;
  std::string_view key;
  while (reader.next_member(key)) {
    const std::size_t i = find_field(fields, key, expected);
    if (i == fields.size()) {
      if (reader.options().unknown == Unknown::Refuse && !(key == tag_key && !tag_key.empty())) refuse_unknown(reader, key, fields);
      reader.skip();
      continue;
    }
    const Place place(reader.faults().top, fields[i].name);
    if ((seen >> i & 1) != 0) {
      reader.violation("is given twice");
      reader.skip();
      continue;
    }
    seen |= 1ull << i;
    expected = i + 1;
    fields[i].read(reader, static_cast<char*>(record) + fields[i].offset);
  }
  if (!reader.ok() || reader.options().missing == Missing::UseDefault) return;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].required || (seen >> i & 1) != 0) continue;
    const Place place(reader.faults().top, fields[i].name);
    reader.violation("is required");
  }
}

std::string one_of(const reflect::EnumTable& table) {
  std::string text = "must be one of: ";
  for (const auto& entry : table.entries) {
    if (&entry != &table.entries.front()) text += ", ";
    text += entry.name;
  }
  return text;
}

}  // namespace yun::json::detail
