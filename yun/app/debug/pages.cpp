#include "yun/app/debug/pages.hpp"

#include <algorithm>
#include <stdexcept>

#include "yun/app/debug/html.hpp"
#include "yun/http/problem.hpp"

namespace yun::app::debug {
namespace {

bool wants_html(const http::Request& request) {
  if (const auto format = request.query_param("format")) return *format == "html";
  const auto accept = request.headers.get("accept");
  return accept && accept->find("text/html") != std::string_view::npos;
}

}  // namespace

void Pages::add(Section section) {
  if (std::ranges::find(sections_, section.name, &Section::name) != sections_.end()) throw std::logic_error("two debug pages are called \"" + section.name + "\"");
  sections_.push_back(std::move(section));
}

void Pages::add_link(std::string path, std::string title) { links_.push_back({std::move(path), std::move(title)}); }

http::Response Pages::answer(Context& ctx, const http::Request& request, std::string_view name) const {
  const auto section = std::ranges::find(sections_, name, &Section::name);
  if (section == sections_.end()) return http::problem(ctx, not_found("there is no debug page of that name"));
  return respond(request, *this, "/debug/" + section->name, section->title, section->about, section->write());
}

void Pages::serve(http::Router& router) const {
  router.get("/debug", [] { return http::Response::redirect(308, "/debug/"); });
  router.get("/debug/", [this](Context& ctx, http::Request& request) { return answer(ctx, request, ""); });
  router.get("/debug/{section}", [this](Context& ctx, http::Request& request, Path<"section"> section) { return answer(ctx, request, *section); });
}

http::Response respond(const http::Request& request, const Pages& pages, std::string_view path, std::string_view title, std::string_view about,
                       const json::Value& value) {
  const bool html = wants_html(request);
  http::Response response = html ? http::Response::html(200, page({pages, path, title, about}, value)) : http::Response::json(200, json::to_pretty(value) + "\n");
  // No script runs on these pages, whatever gets into them, and nothing is loaded.
  if (html) response.headers.set("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'");
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("cache-control", "no-store");
  response.headers.set("vary", "accept");
  return response;
}

}  // namespace yun::app::debug
