#include "yun/http/codec2/field_check.hpp"

#include <algorithm>

#include "yun/http/codec1/text.hpp"

namespace yun::http::codec2 {

bool is_well_formed(std::string_view name, std::string_view value) {
  const std::string_view token = name.starts_with(':') ? name.substr(1) : name;
  if (!codec1::is_token(token)) return false;
  if (std::any_of(token.begin(), token.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
  if (codec1::first_control(value) != value.size()) return false;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  return value.empty() || (!is_blank(value.front()) && !is_blank(value.back()));
}

}  // namespace yun::http::codec2
