#include "yun/config/yaml.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <sstream>

#include "yaml-cpp/eventhandler.h"
#include "yun/base/strings.hpp"

namespace yun::config {
namespace {

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name)
    if (!(c == '_' || is_alnum(c))) return false;
  return true;
}

/// Replaces ${VAR} and ${VAR:-default}; gives what is wrong, "" if nothing.
std::string expand(std::string& text, const Environment& environment) {
  if (text.find("${") == std::string::npos) return {};
  std::string out;
  std::string_view rest = text;
  for (;;) {
    const std::size_t at = rest.find("${");
    if (at == std::string_view::npos) break;
    if (at > 0 && rest[at - 1] == '$') {
      out.append(rest.substr(0, at - 1)).append("${");
      rest.remove_prefix(at + 2);
      continue;
    }
    out.append(rest.substr(0, at));
    rest.remove_prefix(at + 2);
    const std::size_t end = rest.find('}');
    if (end == std::string_view::npos) return "\"${\" without \"}\"; write \"$${\" for the characters themselves";
    const std::string_view inside = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const std::size_t dash = inside.find(":-");
    const std::string name(inside.substr(0, dash));
    if (!is_variable_name(name)) return "\"" + name + "\" is not the name of an environment variable";
    const auto value = environment(name);
    if (value && (!value->empty() || dash == std::string_view::npos))
      out.append(*value);
    else if (dash != std::string_view::npos)
      out.append(inside.substr(dash + 2));
    else
      return "environment variable " + name + " is not set; give a default with ${" + name + ":-...}";
  }
  out.append(rest);
  text = std::move(out);
  return {};
}

/// Builds the tree from the parser's events. What cannot go on is thrown as the parser's own exceptions are and ends there.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const Environment& environment, const YamlOptions& options, Errors& errors)
      : environment_(environment), options_(options), errors_(errors) {}

  Tree take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    count(mark, 1);
    refuse_anchor(mark, anchor);
    attach(node(Tree::Kind::Null, mark), anchor, 1);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    Tree tree = node(Tree::Kind::Scalar, mark);
    count(mark, 1);
    refuse_tag(mark, tag);
    refuse_anchor(mark, anchor);
    tree.scalar = value;
    tree.quoted = tag == "!";
    if (!expects_key()) {
      if (const std::string fault = expand(tree.scalar, environment_); !fault.empty()) errors_.add(tree, "", fault);
    }
    attach(std::move(tree), anchor, 1);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw YAML::ParserException(mark, "an alias inside its own anchor");
    count(mark, found->second.nodes);
    attach(found->second.tree, 0, found->second.nodes);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(node(Tree::Kind::List, mark), anchor, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(node(Tree::Kind::Map, mark), anchor, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Tree tree;
    YAML::anchor_t anchor = 0;
    std::size_t nodes = 1;
    std::optional<Tree> key;  ///< of a map: read, its value is next
  };
  struct Anchored {
    Tree tree;
    std::size_t nodes = 1;
  };

  static Tree node(Tree::Kind kind, const YAML::Mark& mark) {
    Tree tree;
    tree.kind = kind;
    tree.line = mark.line + 1;
    tree.column = mark.column + 1;
    return tree;
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") throw YAML::ParserException(mark, "tags are not allowed");
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0 && !options_.anchors) throw YAML::ParserException(mark, "anchors and aliases are not allowed");
  }

  bool expects_key() const { return !open_.empty() && open_.back().tree.is_map() && !open_.back().key; }

  void count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > options_.max_nodes) throw YAML::ParserException(mark, "more than " + std::to_string(options_.max_nodes) + " nodes");
  }

  void open(Tree tree, YAML::anchor_t anchor, const YAML::Mark& mark) {
    refuse_anchor(mark, anchor);
    if (static_cast<int>(open_.size()) >= options_.max_depth)
      throw YAML::ParserException(mark, "nested more than " + std::to_string(options_.max_depth) + " deep");
    if (expects_key()) throw YAML::ParserException(mark, "a key must be a scalar");
    count(mark, 1);
    open_.push_back({std::move(tree), anchor, 1, std::nullopt});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    attach(std::move(done.tree), done.anchor, done.nodes);
  }

  void attach(Tree tree, YAML::anchor_t anchor, std::size_t nodes) {
    if (anchor != 0) anchors_[anchor] = {tree, nodes};
    if (open_.empty()) {
      root_ = std::move(tree);
      return;
    }
    Open& parent = open_.back();
    parent.nodes += nodes;
    if (parent.tree.is_list()) {
      parent.tree.items.push_back(std::move(tree));
    } else if (!parent.key) {
      parent.key = std::move(tree);
    } else {
      add_entry(parent, std::move(tree));
    }
  }

  void add_entry(Open& parent, Tree value) {
    const Tree key = *std::move(parent.key);
    parent.key.reset();
    if (!key.is_scalar()) {
      errors_.add(key, "", "a key must be text, is " + std::string(describe(key.kind)));
    } else if (key.scalar == "<<" && !key.quoted) {
      errors_.add(key, "", "merge keys are not allowed");
    } else if (const Entry* first = parent.tree.find_entry(key.scalar)) {
      errors_.add(key, "", "key \"" + key.scalar + "\" is given twice, first on line " + std::to_string(first->line));
    } else {
      parent.tree.entries.push_back({key.scalar, std::move(value), key.line, key.column});
    }
  }

  const Environment& environment_;
  const YamlOptions& options_;
  Errors& errors_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  Tree root_;
};

/// The first byte that YAML 1.2 does not allow in a stream, as a place; the parser takes 0x04 for the end of the text.
void refuse_control_characters(std::string_view text, Errors& errors) {
  int line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n') {
      ++line;
      line_start = i + 1;
    } else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
      return errors.add(line, static_cast<int>(i - line_start) + 1, "", "a control character is not allowed");
    }
  }
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

Result<Tree> parse_yaml(std::string_view text, std::string_view filename, const Environment& environment, const YamlOptions& options) {
  Errors errors{std::string(filename)};
  if (text.size() > options.max_size) {
    errors.add(0, 0, "", "larger than " + format_size(Size{options.max_size}));
    return errors.to_error();
  }
  if (!is_utf8(text)) {
    errors.add(0, 0, "", "not UTF-8");
    return errors.to_error();
  }
  refuse_control_characters(text, errors);
  if (!errors.empty()) return errors.to_error();

  Tree tree;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(environment, options, errors);
    if (parser.HandleNextDocument(builder)) {
      tree = builder.take();
      Errors ignored;
      Builder second(environment, options, ignored);
      if (parser.HandleNextDocument(second)) {
        const Tree extra = second.take();
        errors.add(extra, "", "only one document is allowed");
      }
    }
  } catch (const YAML::Exception& e) {
    errors.add(e.mark.is_null() ? 0 : e.mark.line + 1, e.mark.is_null() ? 0 : e.mark.column + 1, "", e.msg);
  } catch (const std::exception& e) {
    errors.add(0, 0, "", e.what());
  }
  if (!errors.empty()) return errors.to_error();
  if (tree.line == 0) tree.line = tree.column = 1;
  return tree;
}

Result<Tree> load_yaml(const std::string& path, const Environment& environment, const YamlOptions& options) {
  YUN_GET(text, read_file(path, options.max_size));
  return parse_yaml(text, path, environment, options);
}

Result<std::string> read_file(const std::string& path, std::size_t max_size) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return from_errno(errno, path);
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct ::stat before {};
  struct ::stat after {};
  if (::fstat(fd, &before) != 0) return from_errno(errno, path);
  std::string text;
  text.reserve(std::min(static_cast<std::size_t>(before.st_size), max_size));
  char block[16384];
  for (;;) {
    const ssize_t got = ::read(fd, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, path);
    if (got == 0) break;
    text.append(block, static_cast<std::size_t>(got));
    if (text.size() > max_size) return invalid_argument(path + ": larger than " + format_size(Size{max_size}));
  }
  if (::fstat(fd, &after) != 0) return from_errno(errno, path);
  const bool still = before.st_size == after.st_size && before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec;
  if (!still) return unavailable(path + ": was written to while it was read").with_reason(std::string(kFileChanging));
  return text;
}

}  // namespace yun::config
