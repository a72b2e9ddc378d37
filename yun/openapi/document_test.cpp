#include "yun/openapi/document.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "yun/openapi/page.hpp"

namespace yun::openapi {

struct PetTag {
  std::string name;
};
enum class PetState { Available, Sold };
struct Pet {
  std::string id;
  std::string name;
  std::optional<int> age;
  PetState state;
  std::vector<PetTag> tags;
};
struct NewPet {
  std::string name;
  std::int64_t price = 0;
};
struct PetPage {
  std::vector<Pet> pets;
  std::string next_page_token;
};

namespace {

void fill(http::Router& router) {
  auto api = router.group("/api");
  api.tag("pets");
  api.get("/pets", [](Query<"page_size", int, 50>, Query<"state", std::optional<PetState>>) { return PetPage{}; }).summary("Lists pets");
  api.post("/pets", [](Header<"Idempotency-Key">, Json<NewPet>) -> Result<Created<Pet>> { return not_found(""); })
      .summary("Sells a pet")
      .name("createPet")
      .bearer()
      .answers_with(409);
  api.get("/pets/{id}", [](Path<"id"> id) { return Pet{*id, "rex", std::nullopt, PetState::Sold, {}}; });
  api.del("/pets/{id}", [](Path<"id", std::uint64_t>) {}).deprecated();
  router.get("/files/{path...}", [](Path<"path"> path) { return *path; });
  router.get("/internal", [] { return "x"; }).hidden();
}

std::string golden_path() { return std::string(YUN_SOURCE_DIR) + "/yun/openapi/testdata/pets.json"; }

TEST(OpenApi, TheDocumentOfASmallApiIsTheGoldenFile) {
  http::Router router;
  fill(router);
  ASSERT_TRUE(router.check().ok());
  const std::string made = json::to_pretty(document(router, {.title = "pets", .version = "1.0.0", .description = "A small shop."})) + "\n";
  if (std::getenv("YUN_UPDATE_GOLDEN")) std::ofstream(golden_path()) << made;
  std::ostringstream golden;
  golden << std::ifstream(golden_path()).rdbuf();
  EXPECT_EQ(made, golden.str()) << "YUN_UPDATE_GOLDEN=1 writes it anew";
}

void collect_references(const json::Value& value, std::set<std::string>& into) {
  if (const auto* object = value.as_object()) {
    for (const auto& [name, member] : *object) {
      if (name == "$ref") into.insert(*member.as_string());
      collect_references(member, into);
    }
  }
  if (const auto* array = value.as_array()) {
    for (const auto& item : *array) collect_references(item, into);
  }
}

TEST(OpenApi, EveryReferenceLeadsSomewhereAndEveryPathParameterIsDescribed) {
  http::Router router;
  fill(router);
  const json::Value api = document(router, {});
  std::set<std::string> references;
  collect_references(api, references);
  EXPECT_GE(references.size(), 4u);
  for (const auto& reference : references) EXPECT_TRUE(api.find(reference.substr(1))) << reference;

  std::set<std::string> ids;
  for (const auto& [path, methods] : *api["paths"].as_object()) {
    std::set<std::string> named;
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) named.insert(path.substr(at + 1, path.find('}', at) - at - 1));
    for (const auto& [method, operation] : *methods.as_object()) {
      EXPECT_TRUE(ids.insert(*operation["operationId"].as_string()).second);
      EXPECT_GT(operation["responses"].size(), 0u);
      std::set<std::string> described;
      for (std::size_t i = 0; i < operation["parameters"].size(); ++i) {
        const json::Value& parameter = operation["parameters"][i];
        if (*parameter["in"].as_string() == "path") described.insert(*parameter["name"].as_string());
      }
      EXPECT_EQ(described, named) << method << " " << path;
    }
  }
  EXPECT_FALSE(api["paths"].as_object()->find("/internal"));
}

TEST(OpenApi, IsServedWithRoutesThatWereAddedLater) {
  http::Router router;
  serve(router, {.title = "a <b>"});
  fill(router);
  const auto get = [&](std::string path) {
    Context ctx;
    http::Request request;
    http::Response response;
    request.path = std::move(path);
    EXPECT_FALSE(router.handle(ctx, request, response));
    return response;
  };
  const http::Response api = get("/openapi.json");
  EXPECT_EQ(api.headers.get("content-type"), "application/json");
  auto parsed = json::parse(api.body.bytes());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*(*parsed)["openapi"].as_string(), "3.1.0");
  EXPECT_TRUE((*parsed)["paths"].as_object()->find("/api/pets"));
  EXPECT_FALSE((*parsed)["paths"].as_object()->find("/docs"));
  const http::Response html = get("/docs");
  EXPECT_EQ(html.headers.get("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(html.body.bytes().find("<title>a &lt;b></title>"), std::string_view::npos);
  EXPECT_EQ(html.body.bytes().find("http://"), std::string_view::npos) << "nothing is loaded from elsewhere";
  EXPECT_EQ(html.body.bytes().find("https://"), std::string_view::npos);
}

}  // namespace
}  // namespace yun::openapi
