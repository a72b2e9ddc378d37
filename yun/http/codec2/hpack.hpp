#pragma once
// HPACK (RFC 7541): the header blocks of HTTP/2. No I/O.
//
//     HpackDecoder decoder;
//     decoder.begin(block);
//     HeaderField field;
//     while ((step = decoder.next(field)) == HpackDecoder::Step::Field) use(field);
//     if (step == HpackDecoder::Step::Bad) ...                // COMPRESSION_ERROR: the connection is over
//
//     HpackEncoder encoder;
//     encoder.begin(out);
//     encoder.put_status(out, 200);
//     encoder.put(out, "content-type", "application/grpc");   // one byte from the second time on

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/buffer.hpp"

namespace yun::http::codec2 {

inline constexpr std::size_t kHeaderTableSize = 4096;  ///< the default of SETTINGS_HEADER_TABLE_SIZE, which this side keeps
inline constexpr std::size_t kEntryOverhead = 32;      ///< RFC 7541 4.1
inline constexpr std::size_t kStaticEntries = 61;

struct HeaderField {
  std::string_view name;
  std::string_view value;
  bool checked = false;  ///< known to be well-formed (field_check.hpp): from the static table, or looked at when it entered the dynamic one
};

/// Entry 1 to 61 of RFC 7541 appendix A.
const HeaderField& static_field(std::size_t index);
/// The first entry with that name; 0 if there is none.
std::size_t static_name(std::string_view name);

/// The fields that one side has sent and may refer to (RFC 7541 2.3.2). Index 0 is the newest.
class HpackTable {
 public:
  std::size_t count() const { return count_; }
  std::size_t size() const { return size_; }
  std::size_t limit() const { return limit_; }
  HeaderField at(std::size_t index) const;
  /// Makes room first; a field that is too large for the table empties it. `name` may be of this table.
  /// Views of at() are valid until the next insert().
  bool insert(std::string_view name, std::string_view value, bool checked);
  void set_limit(std::size_t limit);
  void clear();

 private:
  struct Entry {
    std::uint16_t at = 0, name_size = 0, value_size = 0;
    bool checked = false;
  };
  static constexpr std::size_t kMostEntries = kHeaderTableSize / kEntryOverhead;
  static constexpr std::size_t kText = 2 * kHeaderTableSize;
  void evict();

  std::array<Entry, kMostEntries> entries_{};  ///< a ring
  std::unique_ptr<char[]> text_;               ///< entries' texts, oldest first; moved to the front when the end is reached
  std::size_t first_ = 0;                      ///< of the ring: the oldest
  std::size_t count_ = 0;
  std::size_t size_ = 0;
  std::size_t limit_ = kHeaderTableSize;
  std::size_t text_end_ = 0;
};

class HpackDecoder {
 public:
  enum class Step : std::uint8_t { Field, End, Bad };

  /// `block` is a whole header block and stays until its last next(). Each block must be read to its end: the table depends on it.
  void begin(std::string_view block);
  /// The views are valid until the next call, and as long as the block.
  Step next(HeaderField& into);

 private:
  bool read_integer(unsigned prefix_bits, std::size_t& value);
  bool read_string(std::string& scratch, std::string_view& text);
  bool find(std::size_t index, HeaderField& into) const;

  std::string_view rest_;
  bool fields_seen_ = false;
  HpackTable table_;
  std::string name_;
  std::string value_;
};

/// Writes header blocks. Text goes out plain, without Huffman's code; a pair that comes again becomes an entry of the peer's table, and one byte.
class HpackEncoder {
 public:
  /// The peer's SETTINGS_HEADER_TABLE_SIZE.
  void set_peer_limit(std::size_t limit);
  /// Before the first field of each block.
  void begin(Buffer& out);
  void put_status(Buffer& out, int status);
  /// Lower-case name.
  void put(Buffer& out, std::string_view name, std::string_view value);
  /// For what changes with each message, or must not be kept by anyone: never becomes an entry. `secret`: says so to every hop.
  void put_once(Buffer& out, std::string_view name, std::string_view value, bool secret = false);

 private:
  struct Entry {
    std::uint32_t hash = 0;
    std::string name;
    std::string value;
  };
  static constexpr std::size_t kMostEntries = 32;
  std::size_t find_name(std::string_view name) const;
  std::size_t index_of(std::size_t entry) const { return kStaticEntries + entries_.size() - entry; }
  bool has_room(std::size_t size) const { return entries_.size() < kMostEntries && size_ + size <= limit_; }
  void insert(std::uint32_t hash, std::string_view name, std::string_view value);
  bool seen_before(std::uint32_t hash);

  std::vector<Entry> entries_;  ///< oldest first; never evicted one by one: when they are full and stale, all go at once
  std::size_t size_ = 0;
  std::size_t limit_ = kHeaderTableSize;
  bool limit_changed_ = false;
  std::array<std::uint32_t, 16> seen_{};
  unsigned misses_ = 0;  ///< repeated pairs that found no room
};

}  // namespace yun::http::codec2
