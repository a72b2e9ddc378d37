#include "yun/http/router/router.hpp"

#include <gtest/gtest.h>

#include "yun/runtime/threads.hpp"

namespace yun::http {
namespace {

struct Exchange {
  Context ctx;
  Request request;
  Response response;
  explicit Exchange(Handler& handler, Method method, std::string path) {
    request.method = method;
    request.path = std::move(path);
    Task<void> task = handler.handle(ctx, request, response);
    EXPECT_FALSE(task) << "an ordinary handler must not make a coroutine";
  }
  std::string_view body() const { return response.body.bytes(); }
};

auto says(std::string text) {
  return [text] { return text; };
}

TEST(Router, TextWinsOverParameterAndParameterOverRest) {
  Router router;
  router.get("/users/{rest...}", says("rest"));
  router.get("/users/{id}", says("parameter"));
  router.get("/users/me", says("text"));
  EXPECT_EQ(Exchange(router, Method::Get, "/users/me").body(), "text");
  EXPECT_EQ(Exchange(router, Method::Get, "/users/mee").body(), "parameter");
  EXPECT_EQ(Exchange(router, Method::Get, "/users/m").body(), "parameter");
  EXPECT_EQ(Exchange(router, Method::Get, "/users/me/x").body(), "rest");
  EXPECT_EQ(Exchange(router, Method::Get, "/users/").body(), "rest");
}

TEST(Router, LeavesABranchThatLeadsNowhere) {
  Router router;
  router.get("/a/b/d", says("text"));
  router.get("/a/{x}/c", says("parameter"));
  router.get("/{all...}", says("rest"));
  EXPECT_EQ(Exchange(router, Method::Get, "/a/b/c").body(), "parameter");
  EXPECT_EQ(Exchange(router, Method::Get, "/a/b/d").body(), "text");
  Exchange deep(router, Method::Get, "/a/b/e");
  EXPECT_EQ(deep.body(), "rest");
  ASSERT_EQ(deep.request.params.size(), 1u);
  EXPECT_EQ(deep.request.param("all"), "a/b/e");
}

TEST(Router, PercentEncodedSlashIsNotASeparator) {
  Router router;
  router.get("/files/{name}", [](Path<"name"> file) { return *file; });
  EXPECT_EQ(Exchange(router, Method::Get, "/files/a%2Fb").body(), "a/b");
  EXPECT_EQ(Exchange(router, Method::Get, "/files/a/b").response.status, 404);
}

TEST(Router, AParameterIsNeverEmpty) {
  Router router;
  router.get("/users/{id}", says("x"));
  EXPECT_EQ(Exchange(router, Method::Get, "/users/").response.status, 404);
  EXPECT_EQ(Exchange(router, Method::Get, "/users").response.status, 404);
}

TEST(Router, TrailingSlashCounts) {
  Router router;
  router.get("/users", says("x"));
  EXPECT_EQ(Exchange(router, Method::Get, "/users/").response.status, 404);
}

TEST(Router, ColonAndStarAreTheSameAsBraces) {
  Router router;
  router.get("/api/users/:id/orders/:order", [](Path<"id"> id, Path<"order"> order) { return *id + "-" + *order; });
  router.get("/static/*path", [](Path<"path"> path) { return *path; });
  Exchange two(router, Method::Get, "/api/users/7/orders/8");
  EXPECT_EQ(two.body(), "7-8");
  EXPECT_EQ(two.request.route, "/api/users/{id}/orders/{order}");
  EXPECT_EQ(Exchange(router, Method::Get, "/static/css/a.css").body(), "css/a.css");
  EXPECT_TRUE(router.check().ok());
}

TEST(Router, WrongMethodIs405WithAllow) {
  Router router;
  router.get("/users", says("x"));
  router.post("/users", says("y"));
  Exchange wrong(router, Method::Delete, "/users");
  EXPECT_EQ(wrong.response.status, 405);
  EXPECT_EQ(wrong.response.headers.get("allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(wrong.response.reason, "method_not_allowed");
  Exchange options(router, Method::Options, "/users");
  EXPECT_EQ(options.response.status, 204);
  EXPECT_EQ(options.response.headers.get("allow"), "GET, HEAD, POST, OPTIONS");
}

TEST(Router, HeadFallsToGet) {
  Router router;
  router.get("/users", says("x"));
  router.post("/only", says("x"));
  EXPECT_EQ(Exchange(router, Method::Head, "/users").response.status, 200);
  EXPECT_EQ(Exchange(router, Method::Head, "/only").response.status, 405);
}

TEST(Router, ChecksAllFaultsAtOnce) {
  Router router;
  router.get("users", says("x"));
  router.get("/a/{x", says("x"));
  router.get("/a/{x}y", says("x"));
  router.get("/b/{rest...}/c", says("x"));
  router.get("/b/:rest...", says("x"));  // neither a parameter nor the rest
  router.get("/c/{id}", says("x"));
  router.get("/c/{name}", says("x"));
  router.get("/d/{id}", [](Path<"name"> name) { return *name; });
  auto checked = router.check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().violations().size(), 7u);
  EXPECT_NE(checked.error().message().find("route GET \"/c/{name}\" is taken by \"/c/{id}\""), std::string::npos) << checked.error().message();
  EXPECT_NE(checked.error().message().find("asks for Path<\"name\">"), std::string::npos);
}

TEST(Router, ParameterNamesMayDifferBetweenMethods) {
  Router router;
  router.get("/c/{id}", [](Path<"id"> id) { return *id; });
  router.put("/c/{name}", [](Path<"name"> name) { return *name; });
  EXPECT_TRUE(router.check().ok());
  EXPECT_EQ(Exchange(router, Method::Put, "/c/9").body(), "9");
}

TEST(Router, GroupsHaveAPrefixAndMiddlewareOfTheirOwn) {
  struct Mark : Middleware {
    void after(Context&, Request&, Response& response, State&) override { response.headers.add("x-mark", "v1"); }
  };
  Router router;
  router.get("/plain", says("x"));
  auto v1 = router.group("/v1");
  v1.use(std::make_shared<Mark>());
  v1.get("/a", says("x"));
  v1.group("/deep").get("/b", says("x"));
  EXPECT_FALSE(Exchange(router, Method::Get, "/plain").response.headers.has("x-mark"));
  EXPECT_TRUE(Exchange(router, Method::Get, "/v1/a").response.headers.has("x-mark"));
  EXPECT_TRUE(Exchange(router, Method::Get, "/v1/deep/b").response.headers.has("x-mark"));
}

TEST(Router, AMountedHandlerGetsEveryMethod) {
  struct Echo : Handler {
    Task<void> handle(Context&, Request& request, Response& response) override {
      response = Response::text(200, std::string(name(request.method)));
      return {};
    }
  };
  Router router;
  router.mount("/pkg.Service/{method}", std::make_shared<Echo>());
  EXPECT_EQ(Exchange(router, Method::Post, "/pkg.Service/Get").body(), "POST");
  EXPECT_EQ(Exchange(router, Method::Options, "/pkg.Service/Get").body(), "OPTIONS");
}

TEST(Router, GrpcIsRefusedInItsOwnWords) {
  Router router;
  Context ctx;
  Request request;
  Response response;
  request.method = Method::Post;
  request.path = "/pkg.Service/Get";
  request.headers.add("content-type", "application/grpc+proto");
  EXPECT_FALSE(router.handle(ctx, request, response));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("grpc-status"), "5");
}

}  // namespace
}  // namespace yun::http
