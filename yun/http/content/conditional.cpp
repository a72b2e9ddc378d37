#include "yun/http/content/conditional.hpp"

#include <algorithm>
#include <array>

#include "yun/base/strings.hpp"

namespace yun::http {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string_view opaque(std::string_view etag) { return etag.starts_with("W/") ? etag.substr(2) : etag; }

/// Fixed-width decimal; -1 if it is none.
int digits(std::string_view text) {
  int value = 0;
  if (text.empty()) return -1;
  for (const char c : text) {
    if (c == ' ' && value == 0) continue;  // asctime pads the day with a space
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<std::chrono::sys_seconds> make_time(int year, std::string_view month, int day, std::string_view clock) {
  const auto at = std::ranges::find(kMonths, month);
  if (at == kMonths.end() || clock.size() != 8 || clock[2] != ':' || clock[5] != ':') return std::nullopt;
  const int hour = digits(clock.substr(0, 2)), minute = digits(clock.substr(3, 2)), second = digits(clock.substr(6, 2));
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(at - kMonths.begin() + 1)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (year < 1601 || day < 1 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
}

/// "bytes=a-b" with one range; nullopt for whatever else may be there.
std::optional<std::pair<std::string_view, std::string_view>> single_range(std::string_view text) {
  if (!iequals(text.substr(0, 6), "bytes=")) return std::nullopt;
  text = trim(text.substr(6));
  if (text.find(',') != std::string_view::npos) return std::nullopt;
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  return std::pair(trim(text.substr(0, dash)), trim(text.substr(dash + 1)));
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  // Sun, 06 Nov 1994 08:49:37 GMT
  if (text.size() == 29 && text.substr(3, 2) == ", " && text.ends_with(" GMT"))
    return make_time(digits(text.substr(12, 4)), text.substr(8, 3), digits(text.substr(5, 2)), text.substr(17, 8));
  // Sunday, 06-Nov-94 08:49:37 GMT
  const auto comma = text.find(", ");
  if (comma != std::string_view::npos && comma > 3 && text.size() == comma + 24 && text.ends_with(" GMT")) {
    const auto rest = text.substr(comma + 2);
    const int two = digits(rest.substr(7, 2));
    return two < 0 ? std::nullopt : make_time(two + (two < 70 ? 2000 : 1900), rest.substr(3, 3), digits(rest.substr(0, 2)), rest.substr(10, 8));
  }
  // Sun Nov  6 08:49:37 1994
  if (text.size() == 24 && text[3] == ' ') return make_time(digits(text.substr(20, 4)), text.substr(4, 3), digits(text.substr(8, 2)), text.substr(11, 8));
  return std::nullopt;
}

bool etag_listed(std::string_view list, std::string_view etag) {
  if (trim(list) == "*") return true;
  while (!list.empty()) {
    const auto open = list.find('"');
    if (open == std::string_view::npos) return false;
    const auto close = list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    if (list.substr(open, close - open + 1) == opaque(etag)) return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

Condition check_conditions(const Request& request, const Validators& validators) {
  const bool reads = request.method == Method::Get || request.method == Method::Head;
  if (request.headers.has("if-match")) {
    const bool weak = validators.etag.starts_with("W/");
    const std::string list = request.headers.joined("if-match");
    if ((weak && trim(list) != "*") || !etag_listed(list, validators.etag)) return Condition::Failed;
  } else if (const auto since = request.headers.get("if-unmodified-since")) {
    const auto time = parse_http_date(*since);
    if (time && validators.time > *time) return Condition::Failed;
  }
  if (request.headers.has("if-none-match")) {
    if (etag_listed(request.headers.joined("if-none-match"), validators.etag)) return reads ? Condition::NotModified : Condition::Failed;
  } else if (const auto since = request.headers.get("if-modified-since"); since && reads) {
    const auto time = parse_http_date(*since);
    if (time && validators.time <= *time) return Condition::NotModified;
  }
  return Condition::Met;
}

RangeDecision decide_range(const Request& request, const Validators& validators, std::uint64_t size) {
  const RangeDecision whole;
  const auto header = request.headers.get("range");
  if (!header || request.method != Method::Get) return whole;
  if (const auto condition = request.headers.get("if-range")) {
    const bool is_tag = condition->starts_with("\"") || condition->starts_with("W/");
    // RFC 9110 13.1.5: only a strong tag, or exactly the date.
    const bool same = is_tag ? (*condition == validators.etag && !validators.etag.starts_with("W/")) : parse_http_date(*condition) == validators.time;
    if (!same) return whole;
  }
  const auto ends = single_range(*header);
  if (!ends) return whole;
  const auto [first_text, last_text] = *ends;
  const auto first = parse_u64(first_text), last = parse_u64(last_text);
  if ((!first_text.empty() && !first) || (!last_text.empty() && !last) || (!first && !last)) return whole;

  constexpr auto kPart = RangeDecision::Kind::Part;
  const RangeDecision impossible{RangeDecision::Kind::Unsatisfiable, {}};
  if (!first) {  // the last n bytes
    if (*last == 0 || size == 0) return impossible;
    const std::uint64_t wanted = std::min(*last, size);
    return {kPart, {size - wanted, wanted}};
  }
  if (last && *last < *first) return whole;  // bad syntax
  if (*first >= size) return impossible;
  const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return {kPart, {*first, end - *first + 1}};
}

}  // namespace yun::http
