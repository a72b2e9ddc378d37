#include "yun/json/validate.hpp"

#include <algorithm>
#include <cstring>
#include <regex>

#include "yun/base/strings.hpp"
#include "yun/json/write.hpp"

namespace yun::json::detail {

class Pattern {
 public:
  explicit Pattern(const std::string& text) : expression_(text, std::regex::ECMAScript | std::regex::optimize) {}
  /// libstdc++'s matcher recurses once a character, so the length is bounded.
  bool matches(std::string_view text) const {
    constexpr std::size_t kLongest = 4096;
    return text.size() <= kLongest && std::regex_search(text.begin(), text.end(), expression_);
  }

 private:
  std::regex expression_;
};

namespace {

std::string number(long double value) {
  std::string text;
  if (value >= 0 && value < 0x1p64L && value == static_cast<long double>(static_cast<std::uint64_t>(value)))
    write_unsigned(text, static_cast<std::uint64_t>(value));
  else if (value < 0 && value >= -0x1p63L && value == static_cast<long double>(static_cast<std::int64_t>(value)))
    write_signed(text, static_cast<std::int64_t>(value));
  else
    write_double(text, static_cast<double>(value));
  return text;
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}


bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254) return false;
  const std::string_view local = text.substr(0, at);
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos) return false;
  for (const char c : local)
    if (!is_alnum(c) && (c == '\0' || !std::strchr(".!#$%&'*+/=?^_`{|}~-", c))) return false;
  std::string_view domain = text.substr(at + 1);
  if (domain.find('.') == std::string_view::npos) return false;
  for (;;) {
    const std::size_t dot = domain.find('.');
    if (!is_label(domain.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace

void Constraints::set_pattern(std::string text) {
  pattern = std::make_shared<const Pattern>(text);
  pattern_text = std::move(text);
}

void Constraints::check_number(long double value, Faults& faults) const {
  const bool too_low = lowest && !(value >= *lowest);
  const bool too_high = highest && !(value <= *highest);
  if (!too_low && !too_high) return;
  if (lowest && highest)
    faults.add("must be between " + number(*lowest) + " and " + number(*highest));
  else
    faults.add(too_low ? "must be at least " + number(*lowest) : "must be at most " + number(*highest));
}

void Constraints::check_text(std::string_view text, Faults& faults) const {
  // One fault a field is enough; the first is the most telling.
  if (not_blank && text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos) return faults.add("must not be blank");
  if (min_length || max_length) {
    const std::size_t length = code_points(text);
    if (min_length && length < *min_length) return faults.add("must have at least " + counted(*min_length, "character"));
    if (max_length && length > *max_length) return faults.add("must have at most " + counted(*max_length, "character"));
  }
  if (email && !is_email(text)) return faults.add("must be an e-mail address");
  if (!one_of.empty() && std::find(one_of.begin(), one_of.end(), text) == one_of.end()) {
    std::string detail = "must be one of: ";
    for (const auto& choice : one_of) {
      if (&choice != &one_of.front()) detail += ", ";
      detail += choice;
    }
    return faults.add(std::move(detail));
  }
  if (pattern && !pattern->matches(text)) faults.add("must match " + pattern_text);
}

void Constraints::check_size(std::size_t size, Faults& faults) const {
  if (min_items && size < *min_items) faults.add("must have at least " + counted(*min_items, "item"));
  if (max_items && size > *max_items) faults.add("must have at most " + counted(*max_items, "item"));
}

Result<void> outcome_of(Faults& faults) {
  if (faults.empty()) return {};
  return invalid_argument("the value has invalid fields").with_violations(faults.take());
}

}  // namespace yun::json::detail
