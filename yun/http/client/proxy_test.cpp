#include "yun/http/client/proxy.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "yun/http/client/client.hpp"
#include "yun/http/client/peer_for_tests.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;
using client::Peer;
using client::ProxyRules;

namespace {

std::string proxy_for(std::string_view url, std::string_view no_proxy = "") {
  const ProxyRules rules("http://plain.proxy:3128", "tls.proxy:3129", no_proxy);
  const auto proxy = rules.proxy_for(*parse_url(url));
  return proxy ? proxy->authority : "straight";
}

/// The environment while it lives.
struct Environment {
  Environment(const char* given, std::string value) : name(given) { ::setenv(name, value.c_str(), 1); }
  ~Environment() { ::unsetenv(name); }
  const char* name;
};

Task<std::pair<std::string, std::string>> through(std::string url, Peer::Script script, const char* variable) {
  Peer peer(std::move(script));
  Environment environment(variable, "http://" + peer.address().to_string());
  Client client;
  Context root;
  Context ctx(root, 5s);
  auto response = co_await client.get(ctx, url);
  std::string got = response ? std::to_string(response->status) : response.error().message();
  co_await peer.stop();
  co_return std::pair{peer.received(), got};
}

}  // namespace

TEST(Url, IsTakenApart) {
  const auto url = parse_url("HTTPS://API.Example.com:8443/a%20b?c=d#e");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme + " " + url->host + " " + std::to_string(url->port) + " " + url->authority + " " + url->target,
            "https api.example.com 8443 api.example.com:8443 /a%20b?c=d");
  EXPECT_EQ(parse_url("http://[::1]:80")->host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:80")->authority, "[::1]");
  EXPECT_EQ(parse_url("http://x?y")->target, "/?y");
  for (const char* bad : {"x", "ftp://x", "http://", "http://a b/", "http://u:p@h/", "http://h:0/", "http://h:70000/", "http://h/\r\nx"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

TEST(Proxy, IsChosenByScheme) {
  EXPECT_EQ(proxy_for("http://example.com/"), "plain.proxy:3128");
  EXPECT_EQ(proxy_for("https://example.com/"), "tls.proxy:3129");
}

TEST(Proxy, LoopbackAlwaysGoesStraight) {
  for (const char* url : {"http://localhost/", "http://127.0.0.1:80/", "http://[::1]/", "http://a.localhost/"}) EXPECT_EQ(proxy_for(url), "straight") << url;
}

TEST(Proxy, ExemptionsAreNamesSuffixesAddressesBlocksAndPorts) {
  const auto straight = [](std::string_view url, std::string_view rule) { return proxy_for(url, rule) == "straight"; };
  EXPECT_TRUE(straight("http://anything/", "*"));
  EXPECT_TRUE(straight("http://example.com/", "other, example.com"));
  EXPECT_TRUE(straight("http://a.example.com/", "example.com"));
  EXPECT_FALSE(straight("http://badexample.com/", "example.com"));
  EXPECT_TRUE(straight("http://a.example.com/", ".example.com"));
  EXPECT_TRUE(straight("http://10.1.2.3/", "10.0.0.0/8"));
  EXPECT_FALSE(straight("http://11.1.2.3/", "10.0.0.0/8"));
  EXPECT_TRUE(straight("http://example.com:8080/", "example.com:8080"));
  EXPECT_FALSE(straight("http://example.com/", "example.com:8080"));
}

TEST(Proxy, APlainRequestGoesToTheProxyInAbsoluteForm) {
  const auto [sent, got] = runtime::block_on(through("http://far.test/a?b", {{"HTTP/1.1 204 x\r\n\r\n"}}, "http_proxy"));
  EXPECT_TRUE(sent.starts_with("GET http://far.test/a?b HTTP/1.1\r\nhost: far.test\r\n")) << sent;
  EXPECT_EQ(got, "204");
}

TEST(Proxy, ATlsRequestAsksForATunnel) {
  const auto [sent, got] = runtime::block_on(through("https://far.test/a", {{"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"}}, "https_proxy"));
  EXPECT_TRUE(sent.starts_with("CONNECT far.test:443 HTTP/1.1\r\nhost: far.test:443\r\n\r\n")) << sent;
  EXPECT_NE(got.find("answered CONNECT with 403"), std::string::npos) << got;
}
