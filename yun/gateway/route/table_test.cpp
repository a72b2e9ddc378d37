#include "yun/gateway/route/table.hpp"

#include <gtest/gtest.h>

using namespace yun;
using namespace yun::gateway;

namespace {

struct Routes {
  RouteList list;
  void add(std::string name, std::string_view match, int priority = 0) {
    RouteConfig route;
    route.name = std::move(name);
    route.match = *Match::parse(match);
    route.priority = priority;
    list.push_back(std::move(route));
  }
  std::string find(http::Method method, std::string path, std::string host = "shop.test") {
    const Table table(list);
    http::Request request;
    request.method = method;
    request.path = std::move(path);
    request.authority = std::move(host);
    auto found = table.find(request);
    if (found.route) return found.route->name;
    return found.allow.empty() ? "404" : "405 " + found.allow;
  }
};

constexpr auto kGet = http::Method::Get;

}  // namespace

TEST(Table, TheMostSpecificPathWinsWhateverTheOrder) {
  Routes routes;
  routes.add("all", "path(/*)");
  routes.add("below", "path(/users/*)");
  routes.add("one", "path(/users/{id})");
  routes.add("me", "path(/users/me)");
  EXPECT_EQ(routes.find(kGet, "/users/me"), "me");
  EXPECT_EQ(routes.find(kGet, "/users/7"), "one");
  EXPECT_EQ(routes.find(kGet, "/users/7/orders"), "below");
  EXPECT_EQ(routes.find(kGet, "/users"), "below");
  EXPECT_EQ(routes.find(kGet, "/"), "all");
}

TEST(Table, AnExactHostBeatsAWildcardAndAWildcardAny) {
  Routes routes;
  routes.add("any", "path(/*)");
  routes.add("wild", "host(*.shop.test) && path(/*)");
  routes.add("exact", "host(api.shop.test) && path(/*)");
  EXPECT_EQ(routes.find(kGet, "/", "api.shop.test:8080"), "exact");
  EXPECT_EQ(routes.find(kGet, "/", "www.shop.test"), "wild");
  EXPECT_EQ(routes.find(kGet, "/", "elsewhere"), "any");
}

TEST(Table, AKnownPathWithAWrongMethodTellsWhatIsAllowed) {
  Routes routes;
  routes.add("get", "path(/orders) && method(GET)");
  routes.add("post", "path(/orders) && method(POST)");
  EXPECT_EQ(routes.find(http::Method::Delete, "/orders"), "405 GET, HEAD, POST");
  EXPECT_EQ(routes.find(http::Method::Head, "/orders"), "get");
  EXPECT_EQ(routes.find(http::Method::Delete, "/nothing"), "404");
}

TEST(Table, PriorityBeatsRank) {
  Routes routes;
  routes.add("special", "path(/users/me)");
  routes.add("maintenance", "path(/*)", 10);
  EXPECT_EQ(routes.find(kGet, "/users/me"), "maintenance");
}

TEST(Table, ABetterPathWithTheWrongMethodFallsBackToAWiderRoute) {
  Routes routes;
  routes.add("read", "path(/users/me) && method(GET)");
  routes.add("all", "path(/users/*)");
  EXPECT_EQ(routes.find(http::Method::Post, "/users/me"), "all");
}

TEST(Table, AmongThousandsEachIsFoundAndNoOther) {
  Routes routes;
  for (int i = 0; i < 3000; ++i) {
    const std::string n = std::to_string(i);
    routes.add("p" + n, "path(/shop-" + std::to_string(i % 7) + "/area-" + n + "/{id})");
    routes.add("h" + n, "host(h" + n + ".a-host-with-a-long-name.test) && path(/" + n + ")");
  }
  const Table table(routes.list);
  const auto find = [&](std::string path, std::string host) {
    http::Request request;
    request.method = kGet;
    request.path = std::move(path);
    request.authority = std::move(host);
    const auto found = table.find(request);
    if (!found.route) return std::string("none");
    EXPECT_EQ(&routes.list[found.index], found.route);
    return found.route->name;
  };
  for (int i = 0; i < 3000; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_EQ(find("/shop-" + std::to_string(i % 7) + "/area-" + n + "/x", "any.test"), "p" + n);
    ASSERT_EQ(find("/shop-" + std::to_string((i + 1) % 7) + "/area-" + n + "/x", "any.test"), "none");
    ASSERT_EQ(find("/" + n, "h" + n + ".a-host-with-a-long-name.test:80"), "h" + n);
    ASSERT_EQ(find("/" + n, "h" + std::to_string(i + 1) + ".a-host-with-a-long-name.test"), "none");
  }
}
