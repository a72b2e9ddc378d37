#include "yun/http/problem.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "yun/base/strings.hpp"
#include "yun/json/reader.hpp"
#include "yun/json/write.hpp"

namespace yun::http {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ',';
  json::detail::write_string(out, name);
  out += ':';
  json::detail::write_string(out, value);
}

/// What a problem body tells. Somebody else's may be of any shape: what does not fit is passed over.
struct Told {
  std::string title, detail, reason;
  std::vector<FieldViolation> violations;
};

FieldViolation read_violation(json::Reader& reader) {
  FieldViolation violation;
  std::string_view key;
  if (!reader.begin_object()) return violation;
  while (reader.next_member(key)) {
    if (key == "pointer") {
      (void)reader.read_string(violation.pointer);
    } else if (key == "detail") {
      (void)reader.read_string(violation.detail);
    } else {
      (void)reader.skip();
    }
  }
  return violation;
}

/// Nothing at all of a body that is no JSON.
Told read_problem(std::string_view text) {
  json::Reader reader(text, {.max_depth = 16});
  Told told;
  std::string_view key;
  if (!reader.begin_object()) return {};
  while (reader.next_member(key)) {
    if (key == "title") {
      (void)reader.read_string(told.title);
    } else if (key == "detail") {
      (void)reader.read_string(told.detail);
    } else if (key == "reason") {
      (void)reader.read_string(told.reason);
    } else if (key == "errors" && reader.begin_array()) {
      while (reader.next_element()) {
        FieldViolation violation = read_violation(reader);
        if (told.violations.size() < 100) told.violations.push_back(std::move(violation));
      }
    } else if (key != "errors") {
      (void)reader.skip();
    }
  }
  return reader.ok() ? told : Told{};
}

}  // namespace

std::string reason_of(const Error& error) {
  if (!error.reason().empty()) return std::string(error.reason());
  return error.violations().empty() ? to_lower(name(error.code())) : "validation";
}

Response problem(Context& ctx, const Error& error) {
  const int status = http_status(error);
  const bool secret = status >= 500 && (error.code() == Code::Internal || error.code() == Code::Unknown || error.code() == Code::DataLoss);
  const std::string_view phrase = reason_phrase(status);
  std::string body = "{\"title\":";
  json::detail::write_string(body, phrase.empty() ? std::string_view("Error") : phrase);
  body += ",\"status\":" + std::to_string(status);
  append_member(body, "detail", secret ? std::string_view("something went wrong here; the log has it under the trace id") : error.message());
  append_member(body, "trace_id", ctx.trace_id());
  std::string reason = reason_of(error);
  append_member(body, "reason", reason);
  if (!error.violations().empty() && !secret) {
    body += ",\"errors\":[";
    bool first = true;
    for (const FieldViolation& violation : error.violations()) {
      if (!std::exchange(first, false)) body += ',';
      body += "{\"pointer\":";
      json::detail::write_string(body, violation.pointer);
      append_member(body, "detail", violation.detail);
      body += '}';
    }
    body += ']';
  }
  body += '}';
  Response response = Response::json(status, std::move(body));
  response.headers.set("content-type", "application/problem+json");
  if (const auto wait = error.retry_after()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
    response.headers.add("retry-after", std::to_string(std::max<long long>(seconds, 0)));
  }
  response.headers.add("x-yun-reason", reason);
  response.reason = std::move(reason);
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
    Told told = read_problem(response.body.bytes());
    if (!told.detail.empty()) {
      message = std::move(told.detail);
    } else if (!told.title.empty()) {
      message = std::move(told.title);
    }
    if (!told.reason.empty()) reason = std::move(told.reason);
    violations = std::move(told.violations);
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
