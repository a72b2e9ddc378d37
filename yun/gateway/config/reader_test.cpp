#include "yun/gateway/config/reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

using namespace yun;
using namespace yun::gateway;

namespace {

constexpr std::string_view kHead =
    "upstreams:\n"
    "  a: { to: \"static://127.0.0.1:1\" }\n"
    "  b: { to: \"static://127.0.0.1:2\", protocol: grpc }\n"
    "auth:\n"
    "  main: { jwks: \"http://127.0.0.1:1/jwks.json\", issuer: shop, audience: shop }\n"
    "routes:\n";

std::string route(int i) {
  const std::string n = std::to_string(i);
  if (i % 3 == 0) return "  - { name: r" + n + ", match: \"path(/r/" + n + "/{id}) && method(GET)\", to: a }\n";
  if (i % 3 == 1) return "  - name: r" + n + "\n    match: path(/r/" + n + "/*)\n    to: a\n    use: [ jwt: main, limit: 10/s by consumer ]\n";
  return "\n  # number " + n + "\n  - name: r" + n + "\n    match: path(/r/" + n + ")\n    to: b\n    grpc: { method: x.Y/Z }\n";
}
using Routes = std::vector<std::string>;
Routes routes(int count) {
  Routes all;
  for (int i = 0; i < count; ++i) all.push_back(route(i));
  return all;
}
std::string file(const Routes& routes, std::string_view tail = "body_limit: 1MiB\n") {
  std::string text(kHead);
  for (const std::string& one : routes) text += one;
  return text + std::string(tail);
}

/// What a reader that has read `before` says of `text` must be what a whole parse says. Gives how many routes it had to read; -1 for a fault.
int reads(ConfigReader& reader, const std::string& text) {
  const auto parts = reader.read(text);
  const auto whole = Config::parse_whole(text, "gateway.yaml");
  EXPECT_EQ(parts.ok(), whole.ok()) << text;
  if (parts.ok() && whole.ok()) {
    EXPECT_TRUE(*parts == *whole) << text;
    return static_cast<int>(reader.fresh());
  }
  if (!parts.ok() && !whole.ok()) {
    EXPECT_EQ(parts.error().message(), whole.error().message());
  }
  return -1;
}

struct Reads : ::testing::Test {
  Reads() { EXPECT_EQ(reads(reader, file(base)), 9); }
  int after(const std::function<void(Routes&)>& edit, std::string_view tail = "body_limit: 1MiB\n") {
    Routes edited = base;
    edit(edited);
    return reads(reader, file(edited, tail));
  }
  Routes base = routes(9);
  ConfigReader reader{"gateway.yaml"};
};

}  // namespace

TEST_F(Reads, NothingAgainThatHasNotChanged) {
  EXPECT_EQ(after([](Routes&) {}), 0);
  EXPECT_EQ(after([](Routes&) {}, "body_limit: 2MiB\n"), 0);
  EXPECT_EQ(after([](Routes&) {}, ""), 0);
}

TEST_F(Reads, OnlyWhatWasChangedOrInserted) {
  EXPECT_EQ(after([](Routes& r) { r[4] = "  - { name: other, match: path(/other), to: b }\n"; }), 1);
  EXPECT_EQ(after([](Routes& r) { r.insert(r.begin(), route(20)); }), 2);  // and the one that stood at 4 before
  EXPECT_EQ(after([](Routes& r) { r.push_back(route(21)); }), 1);
  EXPECT_EQ(after([](Routes& r) { r.back() = route(22); }, ""), 2);  // and the one before, whose text had the comment above
}

TEST_F(Reads, WhatMovesIsNotReadAgain) {
  EXPECT_EQ(after([](Routes& r) { r.erase(r.begin() + 3); }), 0);
  EXPECT_EQ(after([](Routes& r) { r = routes(9); }), 1);
  // The comment above a route is its predecessor's.
  EXPECT_LE(after([](Routes& r) { std::reverse(r.begin(), r.end()); }), 5);
}

TEST_F(Reads, TheSameRouteIsTheSameObject) {
  const auto first = reader.read(file(base));
  Routes edited = base;
  edited[0] = route(20);
  const auto second = reader.read(file(edited));
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->routes.shared(0), second->routes.shared(0));
  for (std::size_t i = 1; i < base.size(); ++i) EXPECT_EQ(first->routes.shared(i), second->routes.shared(i)) << i;
}

TEST_F(Reads, AllRoutesAgainWhenTheNamesThatTheyUseChange) {
  std::string text = file(base);
  text.replace(text.find("protocol: grpc"), 14, "protocol: grpc, max_connections: 7");
  EXPECT_EQ(reads(reader, text), 0);
  text.insert(text.find("  a: "), "  first: { to: \"static://127.0.0.1:3\" }\n");  // the indices of the others move
  EXPECT_EQ(reads(reader, text), 9);
  text.replace(text.find("protocol: grpc"), 14, "protocol: http");
  EXPECT_EQ(reads(reader, text), -1);
}

TEST_F(Reads, FaultsAreThoseOfTheWholeAndTheLastGoodVersionStays) {
  for (const char* bad : {
           "  - { name: r1, match: path(/other), to: a }\n",             // a name that is taken
           "  - { name: x, match: \"path(/r/0/{other}) && method(GET)\", to: a }\n",  // a tie
           "  - { name: x, match: path(/other), to: c }\n",
           "  - { name: x, mtch: path(/other), to: a }\n",
           "  - { name: x, match: path(/other), to: a\n",
           "  - { name: x, match: 'path(/other), to: a }\n",
           "  - { name: x, name: y, match: path(/other), to: a }\n",
           "  -\tname: x\n", "\t- name: x\n", "   - name: x\n", " - name: x\n", "  name: x\n", "x\n", "  - *nowhere\n", "  - ${YUN_NOT_SET}\n",
       }) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{4}, std::size_t{9}}) {
      EXPECT_EQ(after([&](Routes& r) { r.insert(r.begin() + static_cast<std::ptrdiff_t>(place), bad); }), -1) << bad;
    }
    EXPECT_EQ(after([&](Routes& r) { r.push_back(bad); }, ""), -1) << bad;
  }
  EXPECT_EQ(reader.text(), file(base));
  EXPECT_EQ(after([](Routes& r) { r[0] = route(30); }), 1);
}

TEST_F(Reads, HalfAFileIsAFaultOrAShorterListButNeverSomethingElse) {
  const std::string text = file(base);
  for (std::size_t size = 0; size <= text.size(); ++size) (void)reads(reader, text.substr(0, size));
}

TEST_F(Reads, EveryByteMayChangeOrGo) {
  const std::string text = file(routes(4));
  for (std::size_t at = kHead.size() - 8; at < text.size(); ++at) {
    for (const char byte : {' ', '\n', '#', '-', '"', '{', '}', ':', '|', '\t', '\r', '&', '*', 'x'}) {
      std::string edited = text;
      edited[at] = byte;
      (void)reads(reader, edited);
    }
    std::string shorter = text;
    (void)reads(reader, shorter.erase(at, 1));
  }
}

TEST_F(Reads, OtherWaysToWriteAListToo) {
  std::string crlf, flush = file(base);
  for (const char c : file(base)) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(reads(reader, crlf), 9);
  EXPECT_EQ(reads(reader, crlf), 0);

  for (std::size_t at = flush.find("routes:\n"); (at = flush.find("\n  ", at)) != std::string::npos; ++at) flush.erase(at + 1, 2);
  EXPECT_EQ(reads(reader, flush), 9);
  EXPECT_EQ(reads(reader, flush), 0);

  std::string anchored = file(base, "");
  anchored += "  - &last { name: x, match: path(/x), to: a }\n";
  EXPECT_EQ(reads(reader, anchored), 10);  // whole, each time
  EXPECT_EQ(reads(reader, anchored), 10);
  EXPECT_EQ(reads(reader, "upstreams: { a: { to: \"static://127.0.0.1:1\" } }\nroutes: [ { name: x, match: path(/x), to: a } ]\n"), 1);
  EXPECT_EQ(reads(reader, file(base)), 9);
}

TEST(Ties, AreFoundWhereverTheyHideAndToldInTheOrderOfTheFile) {
  const std::string text =
      "upstreams: { a: { to: \"static://127.0.0.1:1\" } }\n"
      "routes:\n"
      "  - { name: one, match: \"host(x.test, y.test) && path(/p/{id})\", to: a }\n"
      "  - { name: two, match: \"host(z.test) && path(/p/{id})\", to: a }\n"
      "  - { name: three, match: \"host(z.test, y.test, x.test) && path(/p/{other})\", to: a }\n"
      "  - { name: four, match: \"path(/q) && method(GET, POST)\", to: a }\n"
      "  - { name: five, match: \"path(/q) && method(PUT)\", to: a }\n"
      "  - { name: six, match: \"path(/q) && method(POST)\", to: a }\n"
      "  - { name: seven, match: \"path(/q) && method(POST)\", to: a, priority: 1 }\n"
      "  - { name: eight, match: \"path(/q) && header(x, 1)\", to: a }\n"
      "  - { name: nine, match: \"path(/q) && header(x, 2)\", to: a }\n"
      "  - { name: ten, match: \"path(/q) && header(x, 1)\", to: a }\n";
  EXPECT_EQ(Config::parse(text, "f").error().message(),
            "f:5:5: route \"three\": matches the same requests as route \"one\"; give one a priority\n"
            "f:5:5: route \"three\": matches the same requests as route \"two\"; give one a priority\n"
            "f:8:5: route \"six\": matches the same requests as route \"four\"; give one a priority\n"
            "f:12:5: route \"ten\": matches the same requests as route \"eight\"; give one a priority");
}
