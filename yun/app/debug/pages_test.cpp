#include "yun/app/debug/pages.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

using namespace yun;
using namespace yun::app::debug;
using json::Value;

namespace {

struct Site {
  Pages pages{"prog"};
  http::Router router;
  Site() {
    pages.add({"", "Overview", "", [] { return Value::object({{"up", true}}); }});
    pages.add({"evil", "Evil", "", [] { return Value::array({"<script>"}); }});
    pages.serve(router);
    EXPECT_TRUE(router.check());
  }
  http::Response get(std::string path, std::string query = {}, std::string accept = {}) {
    Context ctx;
    http::Request request;
    request.target = request.path = std::move(path);
    request.query = std::move(query);
    if (!accept.empty()) request.headers.set("accept", accept);
    http::Response response;
    EXPECT_FALSE(router.handle(ctx, request, response));  // nothing on these pages waits
    return response;
  }
};

}  // namespace

TEST(DebugPages, CurlGetsJsonAndABrowserHtml) {
  Site site;
  EXPECT_EQ(site.get("/debug/", "", "*/*").body.bytes(), "{\n  \"up\": true\n}\n");
  const auto html = site.get("/debug/", "", "text/html,application/xhtml+xml");
  EXPECT_TRUE(html.body.bytes().starts_with("<!doctype html>"));
  EXPECT_TRUE(html.headers.get("content-type")->starts_with("text/html"));
}

TEST(DebugPages, TheQueryGoesBeforeAccept) {
  Site site;
  EXPECT_TRUE(site.get("/debug/", "format=html").body.bytes().starts_with("<!doctype html>"));
  EXPECT_TRUE(site.get("/debug/", "format=json", "text/html").body.bytes().starts_with("{"));
}

TEST(DebugPages, NoScriptMayRunOnThem) {
  Site site;
  const auto html = site.get("/debug/evil", "", "text/html");
  EXPECT_EQ(html.body.bytes().find("<script"), std::string_view::npos);
  EXPECT_TRUE(html.headers.get("content-security-policy")->starts_with("default-src 'none';"));
  EXPECT_EQ(html.headers.get("x-content-type-options"), "nosniff");
}

TEST(DebugPages, AnUnknownPageIs404AndDebugLeadsToTheFirst) {
  Site site;
  EXPECT_EQ(site.get("/debug/nothing").status, 404);
  EXPECT_EQ(site.get("/debug").headers.get("location"), "/debug/");
}

TEST(DebugPages, ANameIsGivenOnce) {
  Pages pages("prog");
  pages.add({"one", "One", "", [] { return Value(); }});
  EXPECT_THROW(pages.add({"one", "Two", "", [] { return Value(); }}), std::logic_error);
}
