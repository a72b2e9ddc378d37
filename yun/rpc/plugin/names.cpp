#include "yun/rpc/plugin/names.hpp"

#include <algorithm>
#include <cctype>

namespace yun::rpc::plugin {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }

bool is_keyword(std::string_view name) {
  static constexpr std::string_view kWords[] = {
      "alignas",  "alignof",  "and",       "asm",      "auto",     "bool",     "break",   "case",     "catch",    "char",     "class",  "concept",
      "const",    "continue", "decltype",  "default",  "delete",   "do",       "double",  "else",     "enum",     "explicit", "export", "extern",
      "false",    "float",    "for",       "friend",   "goto",     "if",       "import",  "inline",   "int",      "long",     "module", "mutable",
      "namespace", "new",     "noexcept",  "not",      "nullptr",  "operator", "or",      "private",  "protected", "public",  "register", "requires",
      "return",   "short",    "signed",    "sizeof",   "static",   "struct",   "switch",  "template", "this",     "throw",    "true",   "try",
      "typedef",  "typeid",   "typename",  "union",    "unsigned", "using",    "virtual", "void",     "volatile", "while",    "xor"};
  return std::find(std::begin(kWords), std::end(kWords), name) != std::end(kWords);
}

}  // namespace

std::string method_name(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool after_small = i > 0 && !is_upper(name[i - 1]) && name[i - 1] != '_';
    const bool ends_capitals = i > 0 && is_upper(name[i - 1]) && i + 1 < name.size() && std::islower(static_cast<unsigned char>(name[i + 1]));
    if (is_upper(name[i]) && (after_small || ends_capitals)) out += '_';
    out += lower(name[i]);
  }
  // The members every service has.
  if (is_keyword(out) || out == "full_name" || out == "methods") out += '_';
  return out;
}

std::string stem(std::string_view file) {
  return std::string(file.ends_with(".proto") ? file.substr(0, file.size() - 6) : file);
}

std::string cpp_namespace(std::string_view package) {
  std::string out;
  for (const char c : package) {
    if (c == '.') {
      out += "::";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace yun::rpc::plugin
