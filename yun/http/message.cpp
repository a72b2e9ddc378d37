#include "yun/http/message.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "yun/base/strings.hpp"

namespace yun::http {

// ---- methods ----

namespace {
constexpr std::array<std::string_view, 10> kMethods = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", ""};
}

std::string_view name(Method method) { return kMethods[static_cast<std::size_t>(method)]; }

Method parse_method(std::string_view token) {
  if (token == "GET") return Method::Get;
  for (std::size_t i = 0; i + 1 < kMethods.size(); ++i) {
    if (token == kMethods[i]) return static_cast<Method>(i);
  }
  return Method::Other;
}

// ---- headers ----

std::optional<std::string_view> Headers::get(std::string_view name) const {
  const char* text = text_.data();
  for (const Slot& slot : fields_) {
    if (slot.name_size == name.size() && std::memcmp(text + slot.name_at, name.data(), name.size()) == 0)
      return std::string_view(text + slot.value_at, slot.value_size);
  }
  return std::nullopt;
}

std::string Headers::joined(std::string_view name) const {
  std::string all;
  bool first = true;
  for (const Field field : *this) {
    if (field.name != name) continue;
    if (!std::exchange(first, false)) all += ", ";
    all += field.value;
  }
  return all;
}

void Headers::add(std::string_view name, std::string_view value) {
  // A view into our own text must survive its growth: take the offset first.
  const bool own_value = value.data() >= text_.data() && value.data() < text_.data() + text_.size();
  const bool own_name = name.data() >= text_.data() && name.data() < text_.data() + text_.size();
  if (own_value || own_name) {
    const std::string name_copy(name);
    const std::string value_copy(value);
    add_parsed(name_copy, value_copy);
  } else {
    add_parsed(name, value);
  }
}

void Headers::add_parsed(std::string_view name, std::string_view value) {
  const std::size_t at = text_.size();
  const std::size_t size = at + name.size() + value.size();
  // What libstdc++ 12 says of the size there is the capacity that it has made: our own counts.
  text_.resize_and_overwrite(size, [&](char* bytes, std::size_t) {
    copy_lower(bytes + at, name);
    if (!value.empty()) std::memcpy(bytes + at + name.size(), value.data(), value.size());
    return size;
  });
  const auto begin = static_cast<std::uint32_t>(at);
  const auto name_size = static_cast<std::uint32_t>(name.size());
  fields_.push_back({begin, name_size, begin + name_size, static_cast<std::uint32_t>(value.size())});
}

void Headers::set(std::string_view name, std::string_view value) {
  // `name` and `value` may point into what remove() forgets, never into what it moves: text stays where it is.
  std::array<char, 64> small;
  if (fields_.empty()) {
  } else if (name.size() <= small.size()) {
    copy_lower(small.data(), name);
    remove(std::string_view(small.data(), name.size()));
  } else {
    remove(to_lower(name));
  }
  add(name, value);
}

void Headers::remove(std::string_view name) {
  const char* text = text_.data();
  std::erase_if(fields_, [&](const Slot& slot) { return slot.name_size == name.size() && std::memcmp(text + slot.name_at, name.data(), name.size()) == 0; });
}

void Headers::clear() {
  text_.clear();
  fields_.clear();
}

Headers::Field Headers::operator[](std::size_t index) const {
  const Slot& slot = fields_[index];
  const char* text = text_.data();
  return {{text + slot.name_at, slot.name_size}, {text + slot.value_at, slot.value_size}};
}

// ---- bodies ----

namespace {
Error body_too_large(std::size_t limit) {
  return resource_exhausted("body is larger than " + std::to_string(limit) + " bytes").with_http_status(413).with_reason("body_too_large");
}
}  // namespace

Task<Result<std::string_view>> Body::all(Context& ctx, std::size_t limit) {
  if (source_ && !given_) {
    for (;;) {
      auto piece = co_await source_->next(ctx);
      if (!piece) co_return std::move(piece).error();
      if (!*piece) break;
      if (bytes_.size() + (*piece)->size() > limit) co_return body_too_large(limit);
      bytes_.append(**piece);
    }
    given_ = true;
  }
  if (bytes_.size() > limit) co_return body_too_large(limit);
  co_return std::string_view(bytes_);
}

Task<Result<std::optional<std::string_view>>> Body::next(Context& ctx) {
  if (source_ && !given_) return source_->next(ctx);
  // Whole already: one piece, then the end.
  struct Once {
    static Task<Result<std::optional<std::string_view>>> give(std::optional<std::string_view> piece) { co_return piece; }
  };
  const bool first = !source_ && !std::exchange(given_, true) && !bytes_.empty();
  return Once::give(first ? std::optional<std::string_view>(bytes_) : std::nullopt);
}

// ---- requests and responses ----

bool is_idempotent(const Request& request) {
  switch (request.method) {
    case Method::Get:
    case Method::Head:
    case Method::Put:
    case Method::Delete:
    case Method::Options:
    case Method::Trace: return true;
    default: return request.headers.has("idempotency-key");
  }
}

std::string_view Request::param(std::string_view name) const {
  for (const Param& each : params) {
    if (each.name == name) return each.value;
  }
  return {};
}

std::optional<std::string> Request::query_param(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view key = pair.substr(0, equals);
    const bool plain = key.find_first_of("%+") == std::string_view::npos;
    if (plain ? key != name : percent_decode(key, Plus::Space) != name) continue;
    return percent_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::Space);
  }
  return std::nullopt;
}

namespace {
Response with_type(int status, std::string_view type, std::string body) {
  Response response;
  response.status = status;
  response.headers.add("content-type", type);
  response.body = Body(std::move(body));
  return response;
}
}  // namespace

Response Response::text(int status, std::string body) {
  if (!body.empty()) return with_type(status, "text/plain; charset=utf-8", std::move(body));
  Response response;
  response.status = status;
  return response;
}
Response Response::json(int status, std::string body) { return with_type(status, "application/json", std::move(body)); }
Response Response::html(int status, std::string body) { return with_type(status, "text/html; charset=utf-8", std::move(body)); }

Response Response::redirect(int status, std::string_view location) {
  Response response;
  response.status = status;
  response.headers.add("location", location);
  return response;
}

// ---- problems (RFC 9457) ----

namespace {

void append_json_string(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[(c >> 4) & 15];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

/// Just enough of JSON to read a problem body back: members of interest by name, everything else skipped.
class ProblemReader {
 public:
  explicit ProblemReader(std::string_view text) : text_(text) {}

  struct Problem {
    std::string title, detail, reason;
    std::vector<FieldViolation> violations;
  };

  std::optional<Problem> read() {
    Problem problem;
    const bool ok = object([&](std::string_view key) {
      if (key == "title") return string(problem.title);
      if (key == "detail") return string(problem.detail);
      if (key == "reason") return string(problem.reason);
      if (key == "errors") return array([&] { return violation(problem.violations); });
      return skip(0);
    });
    if (!ok) return std::nullopt;
    return problem;
  }

 private:
  bool violation(std::vector<FieldViolation>& into) {
    FieldViolation one;
    const bool ok = object([&](std::string_view key) {
      if (key == "pointer") return string(one.pointer);
      if (key == "detail") return string(one.detail);
      return skip(0);
    });
    if (ok && into.size() < 100) into.push_back(std::move(one));
    return ok;
  }

  template <typename F>
  bool object(F member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string key;
      if (!string(key) || !take(':') || !member(std::string_view(key))) return false;
    } while (take(','));
    return take('}');
  }
  template <typename F>
  bool array(F element) {
    if (!take('[')) return false;
    if (take(']')) return true;
    do {
      if (!element()) return false;
    } while (take(','));
    return take(']');
  }
  bool skip(int depth) {
    space();
    if (depth > 16 || text_.empty()) return false;
    if (text_.front() == '{') return object([&](std::string_view) { return skip(depth + 1); });
    if (text_.front() == '[') return array([&] { return skip(depth + 1); });
    std::string ignored;
    if (text_.front() == '"') return string(ignored);
    const std::size_t end = std::min(text_.find_first_of(",]} \t\r\n"), text_.size());
    text_.remove_prefix(end);
    return end > 0;
  }
  bool string(std::string& into) {
    into.clear();
    if (!take('"')) return false;
    while (!text_.empty()) {
      const char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        into += c;
        continue;
      }
      if (text_.empty()) return false;
      const char escaped = text_.front();
      text_.remove_prefix(1);
      switch (escaped) {
        case 'n': into += '\n'; break;
        case 'r': into += '\r'; break;
        case 't': into += '\t'; break;
        case 'b': into += '\b'; break;
        case 'f': into += '\f'; break;
        case 'u':
          if (!unicode(into)) return false;
          break;
        default: into += escaped;
      }
    }
    return false;
  }
  std::optional<unsigned> four_hex() {
    if (text_.size() < 4) return std::nullopt;
    unsigned value = 0;
    for (const char c : text_.substr(0, 4)) {
      const char lower = to_lower(c);
      if (lower >= '0' && lower <= '9') {
        value = value * 16 + static_cast<unsigned>(lower - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        value = value * 16 + static_cast<unsigned>(lower - 'a' + 10);
      } else {
        return std::nullopt;
      }
    }
    text_.remove_prefix(4);
    return value;
  }
  bool unicode(std::string& into) {
    const auto first = four_hex();
    if (!first) return false;
    unsigned code = *first;
    if (code >= 0xd800 && code < 0xdc00 && text_.starts_with("\\u")) {
      text_.remove_prefix(2);
      const auto second = four_hex();
      if (!second) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + ((*second - 0xdc00) & 0x3ff);
    }
    if (code < 0x80) {
      into += static_cast<char>(code);
    } else if (code < 0x800) {
      into += static_cast<char>(0xc0 | (code >> 6));
      into += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      into += static_cast<char>(0xe0 | (code >> 12));
      into += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      into += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      into += static_cast<char>(0xf0 | (code >> 18));
      into += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
      into += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      into += static_cast<char>(0x80 | (code & 0x3f));
    }
    return true;
  }
  void space() {
    const std::size_t at = text_.find_first_not_of(" \t\r\n");
    text_.remove_prefix(std::min(at, text_.size()));
  }
  bool take(char c) {
    space();
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string_view text_;
};

}  // namespace

Response problem(Context& ctx, const Error& error) {
  const int status = http_status(error);
  const bool secret = status >= 500 && (error.code() == Code::Internal || error.code() == Code::Unknown || error.code() == Code::DataLoss);
  const std::string_view phrase = reason_phrase(status);
  std::string body = "{\"title\":";
  append_json_string(body, phrase.empty() ? std::string_view("Error") : phrase);
  body += ",\"status\":" + std::to_string(status);
  append_member(body, "detail", secret ? std::string_view("something went wrong here; the log has it under the trace id") : error.message());
  append_member(body, "trace_id", ctx.trace_id());
  if (!error.reason().empty()) append_member(body, "reason", error.reason());
  if (!error.violations().empty() && !secret) {
    body += ",\"errors\":[";
    bool first = true;
    for (const FieldViolation& violation : error.violations()) {
      if (!std::exchange(first, false)) body += ',';
      body += "{\"pointer\":";
      append_json_string(body, violation.pointer);
      append_member(body, "detail", violation.detail);
      body += '}';
    }
    body += ']';
  }
  body += '}';
  Response response = with_type(status, "application/problem+json", std::move(body));
  if (const auto wait = error.retry_after()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
    response.headers.add("retry-after", std::to_string(std::max<long long>(seconds, 0)));
  }
  if (!error.reason().empty()) {
    response.headers.add("x-yun-reason", error.reason());
    response.reason = error.reason();
  }
  return response;
}

Error error_from(const Response& response) {
  const Code code = code_from_http(response.status);
  const std::string_view type = response.headers.get("content-type").value_or("");
  const std::string_view phrase = reason_phrase(response.status);
  std::string message = phrase.empty() ? "HTTP status " + std::to_string(response.status) : to_lower(phrase);
  std::string reason(response.headers.get("x-yun-reason").value_or(""));
  std::vector<FieldViolation> violations;
  if (type.starts_with("application/problem+json")) {
    if (auto read = ProblemReader(response.body.bytes()).read()) {
      if (!read->detail.empty()) {
        message = std::move(read->detail);
      } else if (!read->title.empty()) {
        message = std::move(read->title);
      }
      if (!read->reason.empty()) reason = std::move(read->reason);
      violations = std::move(read->violations);
    }
  } else if (type.starts_with("text/plain") && !response.body.bytes().empty()) {
    message = std::string(trim(response.body.bytes().substr(0, 200)));
  }
  Error error(code, std::move(message));
  if (!violations.empty()) error = std::move(error).with_violations(std::move(violations));
  if (!reason.empty()) error = std::move(error).with_reason(std::move(reason));
  if (http_status(error) != response.status) error = std::move(error).with_http_status(response.status);
  if (const auto wait = response.headers.get("retry-after")) {
    if (const auto seconds = parse_u64(*wait); seconds && *seconds < 86400)
      error = std::move(error).with_retry_after(std::chrono::seconds(*seconds));
  }
  return error;
}

}  // namespace yun::http
