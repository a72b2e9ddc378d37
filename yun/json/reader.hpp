#pragma once
// Reader: a pull parser over one JSON text (RFC 8259, strict). What read.hpp is made of; use it directly for streams of unknown shape.
//
//     json::Reader reader(text, {});
//     std::string_view key;
//     if (reader.begin_object())
//       while (reader.next_member(key)) key == "id" ? (void)reader.read_string(id) : (void)reader.skip();
//     Result<void> outcome = reader.finish();
//
// Two kinds of faults: text that is no JSON ends the reading at once (every call gives false from then on), a value of the wrong
// type is noted with its pointer, skipped, and reading goes on. finish() gives the first kind alone or else all of the second.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "yun/base/result.hpp"
#include "yun/json/faults.hpp"

namespace yun::json {

/// What to do with a member that the struct does not have.
enum class Unknown { Ignore, Refuse };
/// What to do when a field without optional<> is not given: Refuse it, unless its struct says kDefaults, or leave its default.
enum class Missing { Refuse, UseDefault };

struct ReadOptions {
  std::size_t max_depth = 64;
  std::size_t max_size = 10u << 20;       ///< bytes; a longer text is ResourceExhausted (HTTP 413)
  std::size_t max_violations = 100;       ///< faults beyond are not listed
  Unknown unknown = Unknown::Ignore;
  Missing missing = Missing::Refuse;
};

class Reader {
 public:
  enum class Kind : std::uint8_t { None, Null, Bool, Number, String, Array, Object };

  /// `text` must outlive the reader.
  Reader(std::string_view text, const ReadOptions& options);

  const ReadOptions& options() const { return options_; }
  Faults& faults() { return faults_; }
  /// False after a syntax error.
  bool ok() const { return !syntax_error_; }

  /// The kind of the value that comes next; None at the end or where no value can begin (not yet an error).
  Kind peek();

  // Each takes one whole value. False if it is not of that kind: a violation is noted and the value is skipped.
  bool read_null();  ///< takes a null if one is next; else takes and notes nothing
  bool read_bool(bool& value);
  bool read_signed(std::int64_t& value, std::int64_t lowest, std::int64_t highest);
  bool read_unsigned(std::uint64_t& value, std::uint64_t highest);
  bool read_double(double& value);
  bool read_string(std::string& value);
  /// A string for short use: the view is valid until the next call.
  bool read_view(std::string_view& value);
  /// Any number as its text, checked against the grammar.
  bool read_number(std::string_view& text, bool& is_integer);
  /// Skips one value of any kind, checking its syntax; gives its bytes.
  std::string_view skip();

  bool begin_array();
  /// True while an element follows.
  bool next_element();
  bool begin_object();
  /// True while a member follows; `key` is valid until the next call.
  bool next_member(std::string_view& key);

  /// For a variant: the string value of member `name` of the object that comes next, which stays unread.
  std::optional<std::string> look_up(std::string_view name);

  void violation(std::string detail) { faults_.add(std::move(detail)); }
  /// Refuses what follows the value; gives the outcome, faults().take() included.
  Result<void> finish();

 private:
  char current() const { return at_ < end_ ? *at_ : '\0'; }
  void skip_space();
  bool fail(const char* at, std::string what);
  bool expected(std::string_view what);
  bool literal(std::string_view word);
  bool mismatch(std::string_view detail);
  bool integer_text(std::string_view& text);
  bool scan_string(std::string_view& value);
  bool scan_escape(const char*& at);
  bool scan_hex(const char* at, std::uint32_t& unit);
  bool scan_number(std::string_view& text, bool& is_integer);
  bool enter();

  ReadOptions options_;
  Faults faults_;
  const char* begin_;
  const char* at_;
  const char* end_;
  std::size_t depth_ = 0;
  bool fresh_ = false;  // an array or object was just opened
  std::string scratch_;
  std::optional<Error> syntax_error_;
};

}  // namespace yun::json
