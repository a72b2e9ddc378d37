#include "yun/cache/redis/resp.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "yun/base/strings.hpp"

namespace yun::cache::redis {

namespace {

constexpr std::size_t kProtocolBulk = std::size_t{512} << 20;

Error broken(std::string what) { return Error(Code::DataLoss, "redis sent " + std::move(what)).with_reason("redis_protocol"); }
Error too_large(std::string what) { return resource_exhausted("redis reply: " + std::move(what)).with_reason("redis_reply_too_large"); }

/// For messages: what came, so that a person can read it.
std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 40)) out += c >= 0x20 && c < 0x7f ? c : '.';
  return out + (text.size() > 40 ? "...\"" : "\"");
}

std::optional<double> parse_double(std::string_view text) {
  if (text == "inf" || text == "+inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

bool is_big_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

/// A RESP integer may have a plus sign.
std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (text.starts_with("+") && !text.starts_with("+-")) text.remove_prefix(1);
  return parse_i64(text);
}

Value text_value(std::string text) { return {.kind = Value::Kind::Text, .text = std::move(text)}; }

}  // namespace

// ---- commands ----

Command& Command::add(std::string_view word) {
  ++count_;
  char head[24];
  head[0] = '$';
  char* end = std::to_chars(head + 1, head + sizeof head, word.size()).ptr;
  *end++ = '\r';
  *end++ = '\n';
  body_.append(head, end).append(word).append("\r\n");
  return *this;
}

void Command::append_to(Buffer& out) const {
  char head[24];
  head[0] = '*';
  char* end = std::to_chars(head + 1, head + sizeof head, count_).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append({head, static_cast<std::size_t>(end - head)});
  out.append(body_);
}

std::string_view Command::name() const {
  if (count_ == 0) return {};
  const std::string_view body = body_;
  const auto begin = body.find('\n') + 1;
  return body.substr(begin, static_cast<std::size_t>(*parse_u64(body.substr(1, begin - 3))));
}

// ---- errors ----

Error to_error(const Value& reply) {
  const std::string_view text = reply.text;
  const std::string_view word = text.substr(0, text.find(' '));
  std::string message = "redis: " + reply.text;
  if (word == "NOAUTH" || word == "WRONGPASS") return unauthenticated(std::move(message)).with_reason("redis_auth");
  if (word == "NOPERM") return permission_denied(std::move(message)).with_reason("redis_permission");
  if (word == "OOM") return resource_exhausted(std::move(message)).with_reason("redis_out_of_memory");
  if (word == "NOSCRIPT") return not_found(std::move(message)).with_reason("redis_noscript");
  for (const std::string_view away : {"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"}) {
    if (word == away) return unavailable(std::move(message)).with_reason("redis_" + to_lower(away));
  }
  return failed_precondition(std::move(message)).with_reason("redis_error");
}

// ---- replies ----

Result<std::optional<Value>> Decoder::decode(Buffer& in) {
  while (!whole_) {
    auto stepped = step(in);
    if (!stepped) return std::move(stepped).error();
    if (!*stepped) return std::optional<Value>();
  }
  items_ = bytes_ = 0;
  return std::exchange(whole_, std::nullopt);
}

Result<bool> Decoder::step(Buffer& in) { return bulk_left_ ? bulk(in) : line(in); }

Result<bool> Decoder::line(Buffer& in) {
  const std::string_view view = in.view();
  const auto end = view.find('\n', scanned_);
  if ((end == std::string_view::npos ? view.size() : end) > limits_.line + 2) return too_large("a line of more than " + std::to_string(limits_.line) + " bytes");
  if (end == std::string_view::npos) {
    scanned_ = view.size();
    // What can be no reply is told of at once, not when a line's end comes, if ever.
    if (!view.empty() && std::string_view("+-:$*_,#!=(%~>|").find(view.front()) == std::string_view::npos) return broken(shown(view) + ", which is not RESP");
    return false;
  }
  scanned_ = 0;
  if (end < 2 || view[end - 1] != '\r') return broken("a line without its end: " + shown(view.substr(0, end)));
  auto begun = begin(view.front(), view.substr(1, end - 2));
  if (!begun) return std::move(begun).error();
  in.consume(end + 1);
  return true;
}

Result<void> Decoder::begin(char type, std::string_view rest) {
  switch (type) {
    case '+': return complete(text_value(std::string(rest)));
    case '-': return complete({.kind = Value::Kind::Error, .text = std::string(rest)});
    case ':': {
      const auto number = parse_integer(rest);
      if (!number) return broken("the integer " + shown(rest));
      return complete({.kind = Value::Kind::Integer, .integer = *number});
    }
    case '_':
      if (!rest.empty()) return broken("a null with bytes in it: " + shown(rest));
      return complete({});
    case ',': {
      const auto number = parse_double(rest);
      if (!number) return broken("the double " + shown(rest));
      return complete({.kind = Value::Kind::Double, .number = *number});
    }
    case '#':
      if (rest != "t" && rest != "f") return broken("the boolean " + shown(rest));
      return complete({.kind = Value::Kind::Boolean, .integer = rest == "t"});
    case '(':
      if (!is_big_number(rest)) return broken("the big number " + shown(rest));
      return complete(text_value(std::string(rest)));
    case '$':
    case '!':
    case '=': return begin_bulk(type, rest);
    case '*':
    case '~':
    case '>':
    case '%':
    case '|': return begin_aggregate(type, rest);
    default: return broken(shown(std::string(1, type) + std::string(rest)) + ", which is not RESP");
  }
}

Result<void> Decoder::begin_bulk(char type, std::string_view rest) {
  if (rest == "-1" && type == '$') return complete({});
  const auto size = parse_u64(rest);
  if (!size || *size > kProtocolBulk) return broken("the string length " + shown(rest));
  if (*size > limits_.bulk) return too_large("a string of " + std::to_string(*size) + " bytes, " + std::to_string(limits_.bulk) + " is the most");
  bytes_ += static_cast<std::size_t>(*size);
  if (bytes_ > limits_.reply) return too_large("more than " + std::to_string(limits_.reply) + " bytes");
  bulk_left_ = static_cast<std::size_t>(*size);
  bulk_type_ = type;
  bulk_text_.clear();
  return {};
}

Result<bool> Decoder::bulk(Buffer& in) {
  const std::size_t now = std::min(*bulk_left_, in.size());
  bulk_text_.append(in.view().substr(0, now));
  in.consume(now);
  *bulk_left_ -= now;
  if (*bulk_left_ > 0 || in.size() < 2) return false;
  if (!in.view().starts_with("\r\n")) return broken("a string longer than it said");
  in.consume(2);
  bulk_left_.reset();
  Value value = text_value(std::move(bulk_text_));
  if (bulk_type_ == '!') value.kind = Value::Kind::Error;
  if (bulk_type_ == '=') {
    if (value.text.size() < 4 || value.text[3] != ':') return broken("a verbatim string without its format");
    value.text.erase(0, 4);
  }
  auto completed = complete(std::move(value));
  if (!completed) return std::move(completed).error();
  return true;
}

Result<void> Decoder::begin_aggregate(char type, std::string_view rest) {
  if (rest == "-1" && type == '*') return complete({});
  const auto count = parse_u64(rest);
  const bool pairs = type == '%' || type == '|';
  if (!count || *count > (std::uint64_t{1} << 40)) return broken("the item count " + shown(rest));
  const std::uint64_t items = pairs ? *count * 2 : *count;
  if (items > limits_.items || (items_ += static_cast<std::size_t>(items)) > limits_.items) return too_large("more than " + std::to_string(limits_.items) + " items");
  Frame frame{.value = {}, .left = static_cast<std::size_t>(items), .attribute = type == '|'};
  frame.value.kind = type == '*' ? Value::Kind::Array : type == '~' ? Value::Kind::Set : type == '>' ? Value::Kind::Push : Value::Kind::Map;
  if (type == '>' && (!frames_.empty() || items == 0)) return broken(items == 0 ? "an empty push" : "a push within a reply");
  if (frames_.size() >= limits_.depth) return too_large("nested more than " + std::to_string(limits_.depth) + " deep");
  // A claimed count costs its sender nothing, so room for all of it is not made before it comes.
  frame.value.items.reserve(std::min<std::size_t>(frame.left, 256));
  frames_.push_back(std::move(frame));
  close_full_frames();
  return {};
}

Result<void> Decoder::complete(Value value) {
  if (frames_.empty()) {
    whole_ = std::move(value);
    return {};
  }
  frames_.back().value.items.push_back(std::move(value));
  --frames_.back().left;
  close_full_frames();
  return {};
}

void Decoder::close_full_frames() {
  while (!frames_.empty() && frames_.back().left == 0) {
    Frame full = std::move(frames_.back());
    frames_.pop_back();
    if (full.attribute) continue;  // it speaks of the value behind it, which stands in its place
    if (frames_.empty()) {
      whole_ = std::move(full.value);
      return;
    }
    frames_.back().value.items.push_back(std::move(full.value));
    --frames_.back().left;
  }
}

}  // namespace yun::cache::redis
