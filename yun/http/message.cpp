#include "yun/http/message.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "yun/base/strings.hpp"

namespace yun::http {

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

}  // namespace yun::http
