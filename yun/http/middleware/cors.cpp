#include "yun/http/middleware/cors.hpp"

#include <algorithm>

#include "yun/http/content/vary.hpp"

namespace yun::http {

namespace {

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

class Cors final : public Middleware {
 public:
  explicit Cors(CorsOptions options)
      : options_(std::move(options)),
        any_(std::ranges::find(options_.origins, "*") != options_.origins.end()),
        methods_(join(options_.methods)),
        headers_(join(options_.headers)),
        exposed_(join(options_.exposed)),
        max_age_(std::to_string(std::chrono::duration_cast<std::chrono::seconds>(options_.max_age).count())) {}

  Verdict before(Context&, Request& request, Response& response, State&) override {
    const bool preflight = request.method == Method::Options && request.headers.has("origin") && request.headers.has("access-control-request-method");
    if (!preflight) return Verdict::Continue;
    response = Response::no_content();
    if (allows(request)) {
      response.headers.set("access-control-allow-methods", methods_);
      response.headers.set("access-control-allow-headers", headers_);
      response.headers.set("access-control-max-age", max_age_);
    }
    return Verdict::Answered;
  }

  void after(Context&, Request& request, Response& response, State&) override {
    if (!any_) add_vary(response, "origin");
    if (!allows(request)) return;
    response.headers.set("access-control-allow-origin", any_ ? std::string_view("*") : *request.headers.get("origin"));
    if (options_.credentials == Credentials::Allow && !any_) response.headers.set("access-control-allow-credentials", "true");
    if (!exposed_.empty() && request.method != Method::Options) response.headers.set("access-control-expose-headers", exposed_);
  }

 private:
  bool allows(const Request& request) const {
    const auto origin = request.headers.get("origin");
    return origin && (any_ || std::ranges::find(options_.origins, *origin) != options_.origins.end());
  }

  CorsOptions options_;
  bool any_;
  std::string methods_, headers_, exposed_, max_age_;
};

}  // namespace

std::shared_ptr<Middleware> cors(CorsOptions options) { return std::make_shared<Cors>(std::move(options)); }

}  // namespace yun::http
