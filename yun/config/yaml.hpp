#pragma once
// YAML as configuration: a tree whose every node knows its line and column, and a reader that collects all faults with their place.
//
//     YUN_GET(tree, config::parse_yaml(text, "gateway.yaml"));
//     config::Errors errors("gateway.yaml");
//     config::Reader reader(tree, "", errors);
//     std::string listen;
//     reader.get("listen", listen);
//     reader.finish();                                    // unknown keys, with the nearest name
//     if (!errors.empty()) return errors.to_error();      // gateway.yaml:3:1: lisen: unknown key; did you mean "listen"?
//
// Strict: duplicate keys, tags, merge keys and a second document are refused; aliases are copied within max_nodes.

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"

namespace yun::config {

struct Entry;

/// One node. Lines and columns count from 1; 0 = it did not come from a file.
struct Tree {
  enum class Kind { Null, Scalar, List, Map };
  Kind kind = Kind::Null;
  bool quoted = false;         ///< a scalar in quotes or a block: text for certain
  int line = 0;
  int column = 0;
  std::string scalar;          ///< after expansion of ${VAR}
  std::vector<Tree> items;     ///< of a List
  std::vector<Entry> entries;  ///< of a Map, in the order of the file, keys unique

  bool is_null() const { return kind == Kind::Null; }
  bool is_scalar() const { return kind == Kind::Scalar; }
  bool is_list() const { return kind == Kind::List; }
  bool is_map() const { return kind == Kind::Map; }
  /// The value of a map's key; null if it has none or this is no map. Valid as long as the tree is not changed.
  const Tree* find(std::string_view key) const;
  const Entry* find_entry(std::string_view key) const;
};

/// A key of a map, with the key's own place.
struct Entry {
  std::string key;
  Tree value;
  int line = 0;
  int column = 0;
};

/// "a scalar", "a list", "a map" or "nothing", for messages.
std::string_view describe(Tree::Kind kind);

/// Gives the value of an environment variable, nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
/// The process's own.
Environment process_environment();

struct YamlOptions {
  std::size_t max_size = 8u << 20;    ///< bytes of text
  std::size_t max_nodes = 1'000'000;  ///< after aliases are copied
  int max_depth = 64;
  bool anchors = true;  ///< false: an anchor or an alias is a fault
};

/// Reads one YAML document. `${VAR}` and `${VAR:-default}` (used if unset or empty) are expanded inside scalar values, never in keys, and
/// what comes in stays one scalar; `$${` is a literal `${`. Errors: InvalidArgument, one line "file:line:column: what" for each fault.
Result<Tree> parse_yaml(std::string_view text, std::string_view filename, const Environment& environment = process_environment(),
                        const YamlOptions& options = {});
/// Reads and parses a file. Errors also: what open and read say.
Result<Tree> load_yaml(const std::string& path, const Environment& environment = process_environment(), const YamlOptions& options = {});
/// The bytes of a file of at most `max_size`. Errors: InvalidArgument for a larger one; Unavailable, reason kFileChanging, if it was written to
/// meanwhile; what open and read say.
Result<std::string> read_file(const std::string& path, std::size_t max_size);
inline constexpr std::string_view kFileChanging = "file_changing";

/// All faults of one source. `source` is what stands before line and column: a file, a variable, a flag.
class Errors {
 public:
  explicit Errors(std::string source = {}, std::size_t limit = 100) : source_(std::move(source)), limit_(limit) {}

  /// `path`: "routes[2].match", "" for none. Beyond the limit faults are only counted.
  void add(int line, int column, std::string_view path, std::string_view message);
  void add(const Tree& at, std::string_view path, std::string_view message) { add(at.line, at.column, path, message); }
  /// At the key instead of the value.
  void add(const Entry& at, std::string_view path, std::string_view message) { add(at.line, at.column, path, message); }
  /// Takes over the faults of another source.
  void append(const Errors& other);

  bool empty() const { return list_.empty(); }
  std::size_t size() const { return list_.size() + dropped_; }
  const std::string& source() const { return source_; }
  /// "gateway.yaml:14:9: routes[0].to: unknown upstream \"ordrs\"; did you mean \"orders\"?", sorted by place within a source.
  std::vector<std::string> lines() const;
  /// InvalidArgument; its message is the lines joined by '\n'. Only when not empty().
  Error to_error() const;

 private:
  struct Fault {
    std::string source;
    int line;
    int column;
    std::string text;
  };
  std::string source_;
  std::size_t limit_;
  std::size_t dropped_ = 0;
  std::vector<Fault> list_;
};

/// `unknown upstream "ordrs"; did you mean "orders"?`, the second half only if a candidate is near.
std::string unknown(std::string_view what, std::string_view word, std::span<const std::string_view> candidates);
std::string unknown(std::string_view what, std::string_view word, const std::vector<std::string>& candidates);

/// "http" + "idle_timeout" -> "http.idle_timeout"; either may be "".
std::string join_path(std::string_view path, std::string_view key);
/// "routes" + 2 -> "routes[2]".
std::string join_path(std::string_view path, std::size_t index);

/// Reads `tree` into `value`: bool, integers, doubles, strings, enums (snake_case names), Duration, Size, Rate and whatever json::Text
/// knows, std::optional, std::vector, std::map<std::string, T> and plain structs of these (a section; keys are the fields' names; what is
/// absent keeps its value). False if a fault was noted; `value` is then partly read.
template <typename T>
bool read_value(const Tree& tree, std::string_view path, T& value, Errors& errors);

/// One map, key by key. Keys that were asked for are known; finish() refuses the others.
class Reader {
 public:
  /// `tree` (must be a map; null counts as an empty one) and `errors` must outlive the reader.
  Reader(const Tree& tree, std::string path, Errors& errors);

  /// The key's value or null; the key is known from now on.
  const Tree* find(std::string_view key);
  /// True if the key is there and could be read; `value` is left alone if it is absent.
  template <typename T>
  bool get(std::string_view key, T& value) {
    const Tree* child = find(key);
    return child && read_value(*child, join_path(path_, key), value, *errors_);
  }
  /// Like get(), but an absent key is a fault.
  template <typename T>
  bool require(std::string_view key, T& value) {
    const Tree* child = find(key);
    if (!child) return missing(key);
    return read_value(*child, join_path(path_, key), value, *errors_);
  }
  /// The reader of a nested map; of an empty one if the key is absent.
  Reader section(std::string_view key);

  /// Notes each key that nobody asked for, with the nearest name that was.
  void finish();
  /// A fault of the key's value (or of the whole, if it is absent).
  void fault(std::string_view key, std::string_view message);

  const Tree& tree() const { return *tree_; }
  const std::string& path() const { return path_; }
  Errors& errors() { return *errors_; }

 private:
  bool missing(std::string_view key);
  const Tree* tree_;
  std::string path_;
  Errors* errors_;
  std::vector<std::string> known_;
};

}  // namespace yun::config

#include "yun/config/bind.hpp"
