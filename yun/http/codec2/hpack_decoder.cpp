#include "yun/http/codec2/field_check.hpp"
#include "yun/http/codec2/hpack.hpp"
#include "yun/http/codec2/huffman.hpp"

namespace yun::http::codec2 {

void HpackDecoder::begin(std::string_view block) {
  rest_ = block;
  fields_seen_ = false;
}

/// RFC 7541 5.1. False if it breaks off or is beyond any use (2^28).
bool HpackDecoder::read_integer(unsigned prefix_bits, std::size_t& value) {
  const std::size_t most = (1U << prefix_bits) - 1;
  value = static_cast<unsigned char>(rest_.front()) & most;
  rest_.remove_prefix(1);
  if (value < most) return true;
  for (unsigned shift = 0; shift <= 21; shift += 7) {
    if (rest_.empty()) return false;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value += std::size_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

/// RFC 7541 5.2. `text` is of the block itself, or of `scratch`.
bool HpackDecoder::read_string(std::string& scratch, std::string_view& text) {
  if (rest_.empty()) return false;
  const bool huffman = (static_cast<unsigned char>(rest_.front()) & 0x80) != 0;
  std::size_t size = 0;
  if (!read_integer(7, size) || size > rest_.size()) return false;
  text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  if (!huffman) return true;
  scratch.clear();
  if (!decode_huffman(text, scratch)) return false;
  text = scratch;
  return true;
}

bool HpackDecoder::find(std::size_t index, HeaderField& into) const {
  if (index == 0) return false;
  if (index <= kStaticEntries) {
    into = static_field(index);
    return true;
  }
  if (index - kStaticEntries > table_.count()) return false;
  into = table_.at(index - kStaticEntries - 1);
  return true;
}

HpackDecoder::Step HpackDecoder::next(HeaderField& into) {
  for (;;) {
    if (rest_.empty()) return Step::End;
    const auto first = static_cast<unsigned char>(rest_.front());
    std::size_t index = 0;
    if (first >= 0x80) {
      if (!read_integer(7, index) || !find(index, into)) return Step::Bad;
      fields_seen_ = true;
      return Step::Field;
    }
    if ((first & 0xe0) == 0x20) {  // a new limit: only at the front (RFC 7541 4.2)
      std::size_t limit = 0;
      if (fields_seen_ || !read_integer(5, limit) || limit > kHeaderTableSize) return Step::Bad;
      table_.set_limit(limit);
      continue;
    }
    const bool becomes_entry = first >= 0x40;
    if (!read_integer(becomes_entry ? 6 : 4, index)) return Step::Bad;
    if (index > 0) {
      if (!find(index, into)) return Step::Bad;
    } else if (!read_string(name_, into.name)) {
      return Step::Bad;
    }
    if (!read_string(value_, into.value)) return Step::Bad;
    fields_seen_ = true;
    into.checked = false;
    if (!becomes_entry) return Step::Field;
    if (index > kStaticEntries) {  // the name is of the table, which changes now
      name_.assign(into.name);
      into.name = name_;
    }
    into.checked = is_well_formed(into.name, into.value);
    (void)table_.insert(into.name, into.value, into.checked);  // too large a field is no entry, and no error
    return Step::Field;
  }
}

}  // namespace yun::http::codec2
