#include "yun/http/bind/faults.hpp"

#include "yun/base/strings.hpp"

namespace yun::http {

namespace {
std::string pointer(std::string_view where, std::string_view name) { return "/" + std::string(where) + "/" + std::string(name); }
}  // namespace

void BindFaults::wrong(std::string_view where, std::string_view name, std::string detail) {
  violations_.push_back({pointer(where, name), std::move(detail)});
}

void BindFaults::missing(std::string_view where, std::string_view name) {
  if (missing_.empty()) missing_ = "the " + std::string(where) + (where == "header" ? " " : " parameter ") + std::string(name) + " is required";
  violations_.push_back({pointer(where, name), "is required"});
}

void BindFaults::body(Error error) {
  if (error.violations().empty() || error.http_status_override() != 0) {
    fatal_ = std::move(error);
    return;
  }
  violations_.insert(violations_.end(), error.violations().begin(), error.violations().end());
}

Error BindFaults::take() {
  if (fatal_) return *std::move(fatal_);
  if (!missing_.empty()) return invalid_argument(std::move(missing_)).with_violations(std::move(violations_)).with_http_status(400);
  return invalid_argument("the request has invalid fields").with_violations(std::move(violations_));
}

bool is_json(std::string_view content_type) {
  const auto media = trim(content_type.substr(0, content_type.find(';')));
  if (iequals(media, "application/json")) return true;
  return media.size() > 5 && media.find('/') != std::string_view::npos && iequals(media.substr(media.size() - 5), "+json");
}

Error not_json(std::string_view content_type) {
  const std::string given = content_type.empty() ? "without a content-type" : "\"" + std::string(content_type) + "\"";
  return invalid_argument("the body must be application/json, it came " + (content_type.empty() ? given : "as " + given))
      .with_http_status(415)
      .with_reason("unsupported_media_type");
}

bool is_query_name(std::string_view raw, std::string_view name) {
  if (raw == name) return true;
  return raw.find_first_of("%+") != std::string_view::npos && decode_query(raw) == name;
}

std::string decode_query(std::string_view raw) {
  auto decoded = percent_decode(raw, Plus::Space);
  return decoded ? *std::move(decoded) : std::string(raw);
}

}  // namespace yun::http
