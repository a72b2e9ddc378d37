// Patterns and a target: the tree gives what a plain reader of the patterns gives, whatever the order they were added in, and what it captured
// put back into its pattern is the path.
//
// Input: patterns, one a line; an empty line; a target as it comes on the wire.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "yun/base/strings.hpp"
#include "yun/http/codec1/target.hpp"
#include "yun/http/router/pattern.hpp"
#include "yun/http/router/tree.hpp"

using namespace yun;
using namespace yun::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Whether a path fits one pattern, read part by part.
bool fits(const Pattern& pattern, std::string_view path) {
  for (const Pattern::Part& part : pattern.parts) {
    if (part.kind == Pattern::Kind::Rest) return true;
    std::size_t size = part.text.size();
    if (part.kind == Pattern::Kind::Text) {
      if (!path.starts_with(part.text)) return false;
    } else {
      size = std::min(path.find('/'), path.size());
      if (size == 0) return false;
    }
    path.remove_prefix(size);
  }
  return path.empty();
}

/// The pattern with its parameters filled in.
std::string filled(const Pattern& pattern, const Tree::Captures& captures) {
  std::string path;
  std::size_t at = 0;
  for (const Pattern::Part& part : pattern.parts) {
    if (part.kind == Pattern::Kind::Text) {
      path += part.text;
      continue;
    }
    require(at < captures.size);
    const std::string_view value = captures.values[at++];
    require(part.kind == Pattern::Kind::Rest || (!value.empty() && value.find('/') == std::string_view::npos));
    path += value;
  }
  require(at == captures.size);
  return path;
}

void check_target(std::string_view target) {
  std::string path;
  std::string query;
  if (const auto* error = codec1::split_target(target, path, query)) {
    require(error->status == 400 && !error->reason.empty());
    return;
  }
  require(path.starts_with("/") && path.find("//") == std::string::npos);
  require(path.find("/./") == std::string::npos && path.find("/../") == std::string::npos && !path.ends_with("/.") && !path.ends_with("/.."));
  std::string again;
  std::string none;
  require(codec1::split_target(path, again, none) == nullptr && again == path && none.empty());
  // With a query the path is the same, and the query comes back as it was.
  require(codec1::split_target(path + "?" + query, again, none) == nullptr && again == path && none == query);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t blank = input.find("\n\n");
  if (blank == std::string_view::npos) return 0;
  const std::string_view target = input.substr(blank + 2);
  check_target(target);

  std::vector<Pattern> patterns;
  for (const std::string_view line : split(input.substr(0, blank), '\n')) {
    auto pattern = Pattern::parse(line);
    if (!pattern) {
      require(!pattern.error().message().empty());
      continue;
    }
    require(pattern->parameters().size() <= Pattern::kMostParameters);
    const auto again = Pattern::parse(pattern->text);
    require(again && again->text == pattern->text);
    if (patterns.size() < 16) patterns.push_back(std::move(*pattern));
  }
  Tree forward;
  Tree backward;
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < patterns.size(); ++i) places.push_back(forward.insert(patterns[i], i));
  for (std::size_t i = patterns.size(); i-- > 0;) (void)backward.insert(patterns[i], places[i]);

  std::string path;
  std::string query;
  if (codec1::split_target(target, path, query)) return 0;
  Tree::Captures captures;
  const std::uint32_t found = forward.find(path, captures);
  if (found == Tree::kNone) {
    for (const Pattern& pattern : patterns) require(!fits(pattern, path));
  } else {
    require(found < patterns.size() && fits(patterns[found], path) && filled(patterns[found], captures) == path);
  }
  Tree::Captures others;
  require(backward.find(path, others) == found && (found == Tree::kNone || others.size == captures.size));
  return 0;
}
