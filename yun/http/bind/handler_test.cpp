#include "yun/http/bind/handler.hpp"

#include <gtest/gtest.h>

#include "yun/http/router/router.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http {

// Outside of an unnamed namespace: their fields' names are read from the type.
struct TestUser {
  std::string id;
  std::string name;
};
struct NewTestUser {
  std::string name;
  int age;
};
enum class TestSort { Name, NewestFirst };
struct TestStore {
  std::string name = "ann";
  Result<TestUser> find(Path<"id"> id) {
    if (*id != "1") return not_found("no such user");
    return TestUser{*id, name};
  }
};

namespace {

struct Exchange {
  Context ctx;
  Request request;
  Response response;

  Exchange& run(Handler& handler) {
    Task<void> task = handler.handle(ctx, request, response);
    waited = static_cast<bool>(task);
    if (task) runtime::block_on(std::move(task));
    return *this;
  }
  Exchange& get(Handler& handler, std::string path, std::string query = "") {
    request.path = std::move(path);
    request.query = std::move(query);
    return run(handler);
  }
  Exchange& post(Handler& handler, std::string path, std::string body, std::string_view type = "application/json") {
    request.method = Method::Post;
    request.path = std::move(path);
    if (!type.empty()) request.headers.set("content-type", type);
    request.body = Body(std::move(body));
    return run(handler);
  }
  std::string_view body() const { return response.body.bytes(); }
  bool waited = false;
};

TEST(Bind, AStructIsAnsweredAsJsonWithoutACoroutine) {
  Router router;
  router.get("/users/{id}", [](Path<"id"> id) { return TestUser{*id, "user_" + *id}; });
  Exchange e;
  const auto frames = runtime::frame_stats().made;
  e.get(router, "/users/42");
  EXPECT_EQ(runtime::frame_stats().made, frames);
  EXPECT_EQ(e.body(), R"({"id":"42","name":"user_42"})");
  EXPECT_EQ(e.response.status, 200);
  EXPECT_EQ(e.response.headers.get("content-type"), "application/json");
}

TEST(Bind, EveryReturnTypeHasItsStatus) {
  Router router;
  router.post("/void", [] {});
  router.post("/created", [] { return Created<TestUser>{{"1", "ann"}, "/users/1"}; });
  router.post("/fails", []() -> Result<TestUser> { return already_exists("taken"); });
  router.post("/nothing", []() -> Result<void> { return {}; });
  router.post("/response", [] { return Response::html(202, "<p>"); });
  router.post("/text", [] { return "plain"; });
  auto post = [&](std::string path) {
    Exchange e;
    e.post(router, std::move(path), "", "");
    return e.response.status;
  };
  EXPECT_EQ(post("/void"), 204);
  EXPECT_EQ(post("/created"), 201);
  EXPECT_EQ(post("/fails"), 409);
  EXPECT_EQ(post("/nothing"), 204);
  EXPECT_EQ(post("/response"), 202);
  EXPECT_EQ(post("/text"), 200);
  Exchange created;
  created.post(router, "/created", "", "");
  EXPECT_EQ(created.response.headers.get("location"), "/users/1");
}

Task<Result<TestUser>> slow_user(Context& ctx, Path<"id"> id, const Query<"greet", std::string>& greet) {
  YUN_CHECK(co_await runtime::sleep_for(ctx, Duration(1)));
  co_return TestUser{*id, *greet};
}

TEST(Bind, ACoroutineKeepsItsParameters) {
  Router router;
  router.get("/users/{id}", slow_user);
  Exchange e;
  e.get(router, "/users/a-long-identifier-beyond-small-strings", "greet=hello+there%21");
  EXPECT_TRUE(e.waited);
  EXPECT_EQ(e.body(), R"({"id":"a-long-identifier-beyond-small-strings","name":"hello there!"})");
}

TEST(Bind, QueryParametersHaveTypesDefaultsAndOptionals) {
  Router router;
  router.get("/", [](Query<"page", int, 1> page, Query<"size", std::optional<unsigned>> size, Query<"tag", std::vector<std::string>> tags,
                     Query<"sort", TestSort, TestSort::Name> sort, Query<"q", std::string, Literal("all")> q) {
    std::string text = std::to_string(*page) + " " + (*size ? std::to_string(**size) : "none") + " " + *q;
    for (auto& tag : *tags) text += " " + tag;
    return text + (*sort == TestSort::NewestFirst ? " newest" : "");
  });
  Exchange absent;
  EXPECT_EQ(absent.get(router, "/").body(), "1 none all");
  Exchange given;
  EXPECT_EQ(given.get(router, "/", "page=-3&tag=a&tag=b%26&size=9&sort=newest_first&q=").body(), "-3 9  a b& newest");
}

TEST(Bind, AllFaultsOfParametersAndBodyComeTogether) {
  Router router;
  router.post("/users/{id}", [](Path<"id", std::uint32_t>, Query<"page", int, 1>, Json<NewTestUser>) { return "x"; });
  Exchange e;
  e.request.query = "page=two";
  e.post(router, "/users/x7", R"({"name":5})");
  EXPECT_EQ(e.response.status, 422);
  EXPECT_NE(e.body().find(R"({"pointer":"/path/id","detail":"must be an integer"})"), std::string_view::npos) << e.body();
  EXPECT_NE(e.body().find("/query/page"), std::string_view::npos);
  EXPECT_NE(e.body().find(R"("/name")"), std::string_view::npos);
  EXPECT_NE(e.body().find(R"("/age")"), std::string_view::npos);
}

TEST(Bind, AMissingHeaderIs400) {
  Router router;
  router.post("/", [](Header<"Idempotency-Key"> key, Header<"x-opt", std::optional<int>> opt) { return *key + (*opt ? "!" : ""); });
  Exchange e;
  EXPECT_EQ(e.post(router, "/", "", "").response.status, 400);
  Exchange given;
  given.request.headers.add("idempotency-key", "k1");
  EXPECT_EQ(given.post(router, "/", "", "").body(), "k1");
}

TEST(Bind, BodiesAreRefusedByTheirKind) {
  Router router;
  router.post("/", [](Json<NewTestUser> user) { return user->name; }).body_limit(64);
  auto status = [&](std::string body, std::string_view type) {
    Exchange e;
    return e.post(router, "/", std::move(body), type).response.status;
  };
  EXPECT_EQ(status(R"({"name":"a","age":1})", "application/json; charset=utf-8"), 200);
  EXPECT_EQ(status(R"({"name":"a","age":1})", "application/merge-patch+json"), 200);
  EXPECT_EQ(status(R"({"name":"a","age":1})", "text/plain"), 415);
  EXPECT_EQ(status(R"({"name":"a","age":1})", ""), 415);
  EXPECT_EQ(status(R"({"name":"a",)", "application/json"), 400);
  EXPECT_EQ(status(R"({"name":"a","age":"1"})", "application/json"), 422);
  EXPECT_EQ(status(R"({"name":")" + std::string(80, 'a') + R"(","age":1})", "application/json"), 413);
}

struct Pieces final : BodySource {
  explicit Pieces(std::vector<std::string> p) : pieces(std::move(p)) {}
  Task<Result<std::optional<std::string_view>>> next(Context&) override {
    if (at == pieces.size()) co_return std::optional<std::string_view>();
    co_return std::optional<std::string_view>(pieces[at++]);
  }
  std::vector<std::string> pieces;
  std::size_t at = 0;
};

TEST(Bind, AnOrdinaryHandlerWaitsForABodyThatStreams) {
  Router router;
  router.post("/", [](Json<NewTestUser> user) { return user->name; }).body_limit(64);
  Exchange e;
  e.request.method = Method::Post;
  e.request.path = "/";
  e.request.headers.set("content-type", "application/json");
  e.request.body = Body(std::make_unique<Pieces>(std::vector<std::string>{R"({"name":"a)", R"(nn","age":1})"}));
  e.run(router);
  EXPECT_TRUE(e.waited);
  EXPECT_EQ(e.body(), "ann");

  Exchange large;
  large.request.method = Method::Post;
  large.request.path = "/";
  large.request.headers.set("content-type", "application/json");
  large.request.body = Body(std::make_unique<Pieces>(std::vector<std::string>(20, "[1,2,3],")));
  EXPECT_EQ(large.run(router).response.status, 413);
  EXPECT_EQ(large.response.reason, "body_too_large");
}

TEST(Bind, ServicesAreInjectedAndTheirAbsenceIsToldAtStart) {
  Router router;
  router.get("/users/{id}", &TestStore::find);
  router.get("/name", [](const TestStore& store) { return store.name; });
  auto checked = router.check();
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message().find("GET /users/{id} needs a TestStore&"), std::string::npos) << checked.error().message();
  Exchange before;
  EXPECT_EQ(before.get(router, "/name").response.status, 500);

  TestStore store;
  router.provide(store);
  EXPECT_TRUE(router.check().ok());
  Exchange found, missing, name;
  EXPECT_EQ(found.get(router, "/users/1").body(), R"({"id":"1","name":"ann"})");
  EXPECT_EQ(missing.get(router, "/users/2").response.status, 404);
  EXPECT_EQ(name.get(router, "/name").body(), "ann");
}

TEST(Bind, TheContextIsTheServers) {
  Router router;
  router.get("/", [](Context& ctx, Request& request) { return std::string(ctx.request_id()) + std::string(request.route); });
  Exchange e;
  e.ctx.set_request_id("r1");
  EXPECT_EQ(e.get(router, "/").body(), "r1/");
}

}  // namespace
}  // namespace yun::http
