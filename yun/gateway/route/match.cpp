#include "yun/gateway/route/match.hpp"

#include <algorithm>
#include <array>

#include "yun/base/strings.hpp"

namespace yun::gateway {

namespace {

constexpr std::array<std::string_view, 5> kConditions = {"host", "path", "method", "header", "query"};
constexpr std::array<std::string_view, 9> kMethods = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"};

Error at(std::size_t offset, std::string what) { return invalid_argument("at " + std::to_string(offset + 1) + ": " + std::move(what)); }

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const auto near = nearest(word, known);
  return near ? "; did you mean " + quoted(*near) + "?" : "";
}

std::vector<std::string_view> cut(std::string_view path) {
  std::vector<std::string_view> segments;
  std::size_t start = 1;
  while (start <= path.size()) {
    const std::size_t slash = std::min(path.find('/', start), path.size());
    segments.push_back(path.substr(start, slash - start));
    start = slash + 1;
  }
  return segments;
}

}  // namespace

Result<PathPattern> PathPattern::parse(std::string_view text) {
  if (text.empty() || text.front() != '/') return invalid_argument("path " + quoted(text) + " must begin with '/'");
  PathPattern pattern;
  pattern.text = text;
  pattern.prefix = text.ends_with("/*");
  if (pattern.prefix) text.remove_suffix(2);
  if (text.find('*') != std::string_view::npos) return invalid_argument("'*' is allowed only as the last segment of a path");
  if (text.empty()) return pattern;
  for (std::string_view segment : cut(text)) {
    if (segment.size() >= 2 && segment.front() == '{' && segment.back() == '}') {
      const std::string name(segment.substr(1, segment.size() - 2));
      if (name.empty() || std::find(pattern.names.begin(), pattern.names.end(), name) != pattern.names.end())
        return invalid_argument("parameter " + quoted(segment) + " needs a name of its own");
      pattern.names.push_back(name);
      pattern.segments.emplace_back();
    } else if (segment.find_first_of("{}") != std::string_view::npos || (segment.empty() && text != "/")) {
      return invalid_argument("bad segment " + quoted(segment) + " in path " + quoted(pattern.text));
    } else if (!segment.empty()) {
      pattern.segments.emplace_back(segment);
    }
  }
  return pattern;
}

bool PathPattern::fits(std::string_view path, std::vector<std::string_view>* values) const {
  std::size_t at = 0;  // of the slash in front of the segment
  for (const std::string& segment : segments) {
    if (at >= path.size() || path[at] != '/') return false;
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view found = path.substr(at + 1, end - at - 1);
    if (segment.empty()) {
      if (found.empty()) return false;
      if (values) values->push_back(found);
    } else if (found != segment) {
      return false;
    }
    at = end;
  }
  if (prefix) return true;
  return at == path.size() || (segments.empty() && path == "/");
}

namespace {

/// Reads "name(arg, arg)" and moves `offset` behind it.
struct Condition {
  std::string_view name;
  std::vector<std::string_view> arguments;
};
Result<Condition> read_condition(std::string_view text, std::size_t& offset) {
  const std::size_t open = text.find('(', offset);
  const std::size_t name_end = std::min(open, text.size());
  Condition condition;
  condition.name = trim(text.substr(offset, name_end - offset));
  if (open == std::string_view::npos) return at(offset, "expected a condition such as path(/api/*)");
  const std::size_t close = text.find(')', open);
  if (close == std::string_view::npos) return at(open, "'(' is not closed");
  condition.arguments = split(text.substr(open + 1, close - open - 1), ',');
  for (std::string_view argument : condition.arguments) {
    if (argument.empty()) return at(open, std::string(condition.name) + "() has an empty argument");
  }
  if (condition.arguments.empty()) return at(open, std::string(condition.name) + "() needs an argument");
  offset = close + 1;
  return condition;
}

Result<void> read_field(const Condition& condition, std::size_t offset, std::vector<Match::Field>& into, bool lower) {
  if (condition.arguments.size() > 2) return at(offset, std::string(condition.name) + "() takes a name and at most one value");
  Match::Field field{lower ? to_lower(condition.arguments[0]) : std::string(condition.arguments[0]), std::nullopt};
  if (condition.arguments.size() == 2) field.value = std::string(condition.arguments[1]);
  into.push_back(std::move(field));
  return {};
}

Result<void> apply(const Condition& condition, std::size_t offset, Match& match) {
  if (condition.name == "host") {
    for (std::string_view host : condition.arguments) {
      const std::string_view rest = host.starts_with("*.") ? host.substr(2) : host;
      if (rest.empty() || rest.find_first_of("*/: ") != std::string_view::npos) return at(offset, "bad host " + quoted(host));
      match.hosts.push_back(to_lower(host));
    }
  } else if (condition.name == "path") {
    if (condition.arguments.size() != 1) return at(offset, "path() takes one path");
    auto pattern = PathPattern::parse(condition.arguments[0]);
    if (!pattern) return at(offset, pattern.error().message());
    match.path = std::move(*pattern);
  } else if (condition.name == "method") {
    for (std::string_view method : condition.arguments) {
      if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end())
        return at(offset, "unknown method " + quoted(method) + did_you_mean(method, kMethods));
      match.methods.emplace_back(method);
    }
  } else if (condition.name == "header") {
    return read_field(condition, offset, match.headers, true);
  } else if (condition.name == "query") {
    return read_field(condition, offset, match.query, false);
  } else {
    return at(offset, "unknown condition " + quoted(condition.name) + did_you_mean(condition.name, kConditions));
  }
  return {};
}

}  // namespace

Result<Match> Match::parse(std::string_view text) {
  Match match;
  std::vector<std::string_view> seen;
  std::size_t offset = 0;
  for (;;) {
    const std::size_t start = std::min(text.find_first_not_of(" \t", offset), text.size());
    offset = start;
    YUN_GET(condition, read_condition(text, offset));
    const bool repeatable = condition.name == "header" || condition.name == "query";
    if (!repeatable && std::find(seen.begin(), seen.end(), condition.name) != seen.end())
      return at(start, std::string(condition.name) + "() is given twice; list the values in one");
    seen.push_back(condition.name);
    if (auto applied = apply(condition, start, match); !applied) return std::move(applied).error();
    offset = std::min(text.find_first_not_of(" \t", offset), text.size());
    if (offset == text.size()) return match;
    if (text.substr(offset, 2) != "&&") return at(offset, "expected && between conditions");
    offset += 2;
  }
}

bool Match::fits_host(std::string_view host) const {
  if (hosts.empty()) return true;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) host = host.substr(0, colon);
  for (const std::string& wanted : hosts) {
    if (wanted.starts_with("*.") ? host.size() > wanted.size() - 1 && host.ends_with(std::string_view(wanted).substr(1)) : host == wanted) return true;
  }
  return false;
}

bool Match::fits_method(std::string_view method) const {
  return methods.empty() || std::find(methods.begin(), methods.end(), method) != methods.end() ||
         (method == "HEAD" && std::find(methods.begin(), methods.end(), "GET") != methods.end());
}

bool Match::fits_fields(const http::Request& request) const {
  for (const Field& field : headers) {
    const auto value = request.headers.get(field.name);
    if (!value || (field.value && *value != *field.value)) return false;
  }
  for (const Field& field : query) {
    const auto value = request.query_param(field.name);
    if (!value || (field.value && *value != *field.value)) return false;
  }
  return true;
}

std::string Match::rank() const {
  const bool exact_host = !hosts.empty() && std::none_of(hosts.begin(), hosts.end(), [](const auto& host) { return host.starts_with("*."); });
  std::string rank(1, hosts.empty() ? '0' : exact_host ? '2' : '1');
  for (const std::string& segment : path.segments) rank += segment.empty() ? '1' : '2';
  rank += path.prefix ? '0' : '3';
  rank += '.';
  const std::size_t conditions = (methods.empty() ? 0 : 1) + headers.size() + query.size();
  rank += static_cast<char>('0' + std::min<std::size_t>(conditions, 9));
  return rank;
}

bool Match::overlaps(const Match& other) const {
  const auto shared = [](const std::vector<std::string>& left, const std::vector<std::string>& right) {
    if (left.empty() || right.empty()) return left.empty() && right.empty();
    return std::find_first_of(left.begin(), left.end(), right.begin(), right.end()) != left.end();
  };
  return path.segments == other.path.segments && path.prefix == other.path.prefix && shared(hosts, other.hosts) && headers == other.headers &&
         query == other.query && (shared(methods, other.methods));
}

}  // namespace yun::gateway
