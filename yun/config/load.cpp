#include "yun/config/load.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "yun/base/strings.hpp"
#include "yun/config/mask.hpp"

namespace yun::config {
namespace {

constexpr std::string_view kPrefix = "YUN_";

/// "http.idle_timeout" -> "--http.idle-timeout".
std::string flag_name(std::string_view path) {
  std::string flag = "--";
  for (const char c : path) flag += c == '_' ? '-' : c;
  return flag;
}

/// "http.idle_timeout" -> "YUN_HTTP__IDLE_TIMEOUT".
std::string variable_name(std::string_view path) {
  std::string name(kPrefix);
  for (const char c : path) {
    if (c == '.')
      name += "__";
    else
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return name;
}

std::map<std::string, std::string> process_variables() {
  std::map<std::string, std::string> all;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

std::string with_nearest(std::string message, std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  if (const auto near = nearest(word, views)) message += "; did you mean \"" + std::string(*near) + "\"?";
  return message;
}

Tree scalar(std::string_view text) {
  Tree tree;
  tree.kind = Tree::Kind::Scalar;
  tree.quoted = true;
  tree.scalar = text;
  return tree;
}

}  // namespace

Loader::Loader(Spec spec) : spec_(std::move(spec)) {
  if (!spec_.environment) spec_.environment = process_variables();
}

Loader::~Loader() = default;

void Loader::add(Field field) {
  if (field.path == "config" || field.path == "help") throw std::logic_error("config: a field cannot be called \"" + field.path + "\"");
  if (find(field.path)) throw std::logic_error("config: two fields are called \"" + field.path + "\"");
  fields_.push_back(std::move(field));
}

Loader::Field* Loader::find(std::string_view path) {
  for (Field& field : fields_)
    if (field.path == path) return &field;
  return nullptr;
}

Result<void> Loader::load() {
  std::vector<Given> given;
  Errors flag_errors("", 100);
  read_flags(given, flag_errors);
  if (wants_help_) return cancelled(help()).with_reason("help");

  Errors errors;
  if (file_.empty()) {
    if (const auto named = spec_.environment->find("YUN_CONFIG"); named != spec_.environment->end()) file_ = named->second;
  }
  if (!file_.empty()) take_file(errors);
  take_environment(errors);
  for (const Given& flag : given) {
    if (Field* field = find(flag.name)) take_text(*field, flag.values, flag_name(flag.name), errors);
  }
  errors.append(flag_errors);
  if (errors.empty()) check(errors);
  if (!errors.empty()) return errors.to_error();
  return {};
}

std::vector<Setting> Loader::settings() const {
  std::vector<Setting> all;
  for (const Field& field : fields_) {
    std::string source = field.place.empty() ? "default" : "file " + field.place;
    if (field.place.starts_with("--")) source = "flag " + field.place;
    if (field.place.starts_with(kPrefix)) source = "environment " + field.place;
    all.push_back({field.path, masked(field.path, field.text(field.target)), std::move(source)});
  }
  std::ranges::sort(all, {}, &Setting::name);
  return all;
}

void Loader::read_flags(std::vector<Given>& given, Errors& errors) {
  std::vector<std::string> names = {"--config", "--help"};
  for (const Field& field : fields_) names.push_back(flag_name(field.path));
  const auto add_value = [&](const Field& field, std::string value) {
    for (Given& flag : given) {
      if (flag.name != field.path) continue;
      if (!field.is_list && !field.is_map) errors.add(0, 0, "", flag_name(field.path) + ": given twice");
      flag.values.push_back(std::move(value));
      return;
    }
    given.push_back({field.path, {std::move(value)}});
  };

  for (int i = 1; i < spec_.argc; ++i) {
    const std::string_view argument = spec_.argv[i];
    if (argument == "--help" || argument == "-h") {
      wants_help_ = true;
      continue;
    }
    if (!argument.starts_with("--") || argument == "--") {
      const bool rest = argument == "--";
      for (int j = rest ? i + 1 : i; j < (rest ? spec_.argc : i + 1); ++j) {
        if (spec_.operands)
          spec_.operands->emplace_back(spec_.argv[j]);
        else
          errors.add(0, 0, "", "unexpected argument \"" + std::string(spec_.argv[j]) + "\"");
      }
      if (rest) break;
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string name(argument.substr(0, equals));
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = std::string(argument.substr(equals + 1));

    Field* field = nullptr;
    for (Field& one : fields_) {
      if (flag_name(one.path) == name) field = &one;
      if (one.is_flag && !value && name == "--no-" + flag_name(one.path).substr(2)) {
        field = &one;
        value = "false";
      }
    }
    if (!field && name != "--config") {
      errors.add(0, 0, "", with_nearest("unknown flag " + name, name, names));
      // What follows an unknown flag is most likely its value.
      if (!value && i + 1 < spec_.argc && !std::string_view(spec_.argv[i + 1]).starts_with("-")) ++i;
      continue;
    }
    if (!value && field && field->is_flag) {
      const std::string_view next = i + 1 < spec_.argc ? spec_.argv[i + 1] : "";
      if (next == "true" || next == "false") ++i, value = std::string(next);
      else value = "true";
    }
    if (!value) {
      if (i + 1 >= spec_.argc) {
        errors.add(0, 0, "", name + ": needs a value");
        continue;
      }
      value = spec_.argv[++i];
    }
    if (field)
      add_value(*field, *std::move(value));
    else if (!file_.empty())
      errors.add(0, 0, "", "--config: given twice");
    else
      file_ = *std::move(value);
  }
}

/// A flag or variable: one scalar, or a list as "a,b" or "[a, b]", a map as "a=1,b=2" or "{a: 1}", and for the rest YAML.
void Loader::take_text(Field& field, const std::vector<std::string>& values, const std::string& source, Errors& errors) {
  Errors own(source);
  Tree tree;
  const std::string& first = values.front();
  const bool is_yaml = !field.is_text && values.size() == 1 && (first.starts_with('[') || first.starts_with('{'));
  if (field.is_text) {
    tree = scalar(values.back());
  } else if (is_yaml || (!field.is_list && !field.is_map)) {
    auto parsed = parse_yaml(first, source);
    if (!parsed) {
      own.add(0, 0, "", parsed.error().message());
      errors.append(own);
      return;
    }
    tree = *std::move(parsed);
  } else {
    tree.kind = field.is_list ? Tree::Kind::List : Tree::Kind::Map;
    for (const std::string& value : values) {
      for (const std::string_view part : split(value, ',')) {
        const std::size_t equals = part.find('=');
        if (field.is_list)
          tree.items.push_back(scalar(part));
        else if (equals == std::string_view::npos)
          own.add(0, 0, "", "must be NAME=VALUE, is \"" + std::string(part) + "\"");
        else
          tree.entries.push_back({std::string(trim(part.substr(0, equals))), scalar(trim(part.substr(equals + 1))), 0, 0});
      }
    }
  }
  (void)field.read(tree, "", field.target, own);
  field.place = source;
  // Places within a one-line value help nobody.
  errors.append(own);
}

void Loader::take_file(Errors& errors) {
  const auto& variables = *spec_.environment;
  const Environment environment = [&variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
  auto tree = load_yaml(file_, environment);
  if (!tree) {
    errors.add(0, 0, "", tree.error().message());
    return;
  }
  Errors own(file_);
  if (!tree->is_null() && detail::expect(*tree, Tree::Kind::Map, "", own)) {
    refuse_unknown(*tree, "", own);
    for (Field& field : fields_) {
      const Tree* at = &*tree;
      std::string_view rest = field.path;
      while (at && !rest.empty()) {
        const std::size_t dot = rest.find('.');
        at = at->find(rest.substr(0, dot));
        rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
      }
      if (!at) continue;
      (void)field.read(*at, field.path, field.target, own);
      field.place = file_ + ":" + std::to_string(at->line) + ":" + std::to_string(at->column);
    }
  }
  errors.append(own);
}

void Loader::refuse_unknown(const Tree& map, const std::string& path, Errors& errors) const {
  std::vector<std::string> known;
  for (const Field& field : fields_) {
    if (!path.empty() && !field.path.starts_with(path + ".")) continue;
    const std::string_view rest = std::string_view(field.path).substr(path.empty() ? 0 : path.size() + 1);
    known.emplace_back(rest.substr(0, rest.find('.')));
  }
  for (const Entry& entry : map.entries) {
    const std::string full = join_path(path, entry.key);
    const bool is_field = std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) { return field.path == full; });
    if (is_field) continue;
    if (std::find(known.begin(), known.end(), entry.key) == known.end())
      errors.add(entry, full, with_nearest("unknown key", entry.key, known));
    else if (!entry.value.is_null() && detail::expect(entry.value, Tree::Kind::Map, full, errors))
      refuse_unknown(entry.value, full, errors);
  }
}

void Loader::take_environment(Errors& errors) {
  std::vector<std::string> names = {"YUN_CONFIG"};
  for (const Field& field : fields_) names.push_back(variable_name(field.path));
  for (const auto& [name, value] : *spec_.environment) {
    if (!name.starts_with(kPrefix) || name == "YUN_CONFIG") continue;
    const auto found = std::find(names.begin() + 1, names.end(), name);
    if (found == names.end())
      errors.add(0, 0, "", with_nearest("unknown environment variable " + name, name, names));
    else
      take_text(fields_[static_cast<std::size_t>(found - names.begin() - 1)], {value}, name, errors);
  }
}

void Loader::check(Errors& errors) {
  for (const Check& one : checks_) {
    const auto held = one.holds();
    if (held) continue;
    for (const FieldViolation& violation : held.error().violations()) {
      std::string path = one.section;
      for (const std::string_view step : split(violation.pointer, '/'))
        if (!step.empty()) path = join_path(path, step);
      const Field* field = find(path);
      Errors own(field ? field->place : std::string());
      own.add(0, 0, path, violation.detail);
      errors.append(own);
    }
  }
}

std::string Loader::help() const {
  std::string text = "usage: " + spec_.program + " [flags]\n";
  if (!spec_.summary.empty()) text += "\n" + spec_.summary + "\n";
  struct Line {
    std::string left, right;
  };
  std::vector<Line> lines = {{"--config FILE", "settings as YAML; $YUN_CONFIG"}, {"--help", "this"}};
  for (const Field& field : fields_) {
    std::string right = field.doc;
    if (!field.initial.empty()) right += (right.empty() ? "" : " ") + std::string("(default ") + field.initial + ")";
    lines.push_back({flag_name(field.path) + (field.is_flag ? "" : " " + field.shape), right});
  }
  std::size_t width = 0;
  for (const Line& line : lines)
    if (line.left.size() <= 40) width = std::max(width, line.left.size());
  text += "\nflags:\n";
  for (const Line& line : lines) {
    text += "  " + line.left;
    if (!line.right.empty()) text += line.left.size() <= width ? std::string(width - line.left.size() + 2, ' ') + line.right : "\n" + std::string(width + 4, ' ') + line.right;
    text += '\n';
  }
  text += "\nEach flag is also a key of the file and an environment variable: --http.idle-timeout is\nhttp: {idle_timeout: ..} and YUN_HTTP__IDLE_TIMEOUT. Flags win over variables, variables over the file.\n";
  return text;
}

int report(const Error& error) {
  if (error.reason() == "help") {
    std::fputs(error.message().c_str(), stdout);
    return 0;
  }
  std::fputs((error.message() + "\n").c_str(), stderr);
  return 2;
}

namespace detail {

std::string number_text(double value) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace detail
}  // namespace yun::config
