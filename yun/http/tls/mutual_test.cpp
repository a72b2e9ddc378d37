// TLS where the server asks the client who it is. Keys and certificates are made here.

#include <gtest/gtest.h>

#include "yun/http/client/client.hpp"
#include "yun/http/server/testing.hpp"
#include "yun/http/tls/authority_for_tests.hpp"

namespace yun::http::tls {
namespace {

Task<void> hello(Context&, Request&, Response& response) {
  response.body.assign("hello");
  return {};
}

/// A server with a certificate of `vouches`, which wants (or may have) client certificates of that authority.
ServerOptions options(Authority& vouches, ClientCertificates wanted) {
  const auto own = vouches.issue("localhost");
  auto context = TlsContext::server(
      {.certificate_file = own.certificate_file, .key_file = own.key_file, .client_certificates = wanted, .client_ca_file = vouches.ca_file()});
  EXPECT_TRUE(context) << context.error().message();
  ServerOptions made;
  made.tls = *context;
  return made;
}

Task<std::string> ask(const server::TestServer& server, ClientTls tls, yun::http::Http2 version) {
  ClientOptions with;
  with.http2 = version;
  with.tls = std::move(tls);
  Client client(with);
  Context root;
  Context ctx(root, std::chrono::seconds(10));
  auto response = co_await client.get(ctx, "https://127.0.0.1:" + std::to_string(server.address.port()) + "/");
  if (!response) co_return "refused";
  auto body = co_await response->body.all(ctx, 100);
  co_return body ? std::string(*body) : "refused";
}

class MutualTls : public testing::TestWithParam<yun::http::Http2> {
 protected:
  Authority ours{"ours"};
  Authority theirs{"theirs"};
  std::string said(const server::TestServer& server, const Authority::Issued& own) {
    return runtime::block_on(ask(server, {.ca_file = ours.ca_file(), .certificate_file = own.certificate_file, .key_file = own.key_file}, GetParam()));
  }
};

TEST_P(MutualTls, ACertificateOfTheAuthorityIsLetIn) {
  server::TestServer server(&hello, options(ours, ClientCertificates::Required));
  EXPECT_EQ(said(server, ours.issue("orders")), "hello");
}

TEST_P(MutualTls, NoCertificateIsRefusedBeforeAnyHandler) {
  server::TestServer server(&hello, options(ours, ClientCertificates::Required));
  EXPECT_EQ(said(server, {}), "refused");
  server.stop();
  EXPECT_EQ(server.handler.handled, 0);
  EXPECT_EQ(server.refused_reason, "tls_handshake");
}

TEST_P(MutualTls, ACertificateOfAnotherAuthorityIsRefusedBeforeAnyHandler) {
  server::TestServer server(&hello, options(ours, ClientCertificates::Required));
  EXPECT_EQ(said(server, theirs.issue("orders")), "refused");
  server.stop();
  EXPECT_EQ(server.handler.handled, 0);
  EXPECT_EQ(server.refused_reason, "tls_handshake");
}

TEST_P(MutualTls, WhereItIsOptionalNoneIsWellAndAForeignOneIsNot) {
  server::TestServer server(&hello, options(ours, ClientCertificates::Optional));
  EXPECT_EQ(said(server, {}), "hello");
  EXPECT_EQ(said(server, ours.issue("orders")), "hello");
  EXPECT_EQ(said(server, theirs.issue("orders")), "refused");
}

TEST_P(MutualTls, AServerOfAnotherAuthorityIsRefusedByTheClient) {
  server::TestServer server(&hello, options(theirs, ClientCertificates::None));
  EXPECT_EQ(said(server, {}), "refused");
  server.stop();
  EXPECT_EQ(server.handler.handled, 0);
}

INSTANTIATE_TEST_SUITE_P(OverBothVersions, MutualTls, testing::Values(yun::http::Http2::Off, yun::http::Http2::Negotiate),
                         [](const auto& version) { return version.param == yun::http::Http2::Off ? "Http1" : "Http2"; });

TEST(PeerSubject, IsOfTheVerifiedCertificate) {
  Authority authority("ours");
  const auto own = authority.issue("localhost");
  const auto client_own = authority.issue("orders");
  auto server = TlsContext::server({.certificate_file = own.certificate_file,
                                    .key_file = own.key_file,
                                    .client_certificates = ClientCertificates::Required,
                                    .client_ca_file = authority.ca_file()});
  auto client = TlsContext::client({.ca_file = authority.ca_file(), .certificate_file = client_own.certificate_file, .key_file = client_own.key_file});
  ASSERT_TRUE(server && client);
  struct Side {
    static Task<void> accept(runtime::Listener& listener, const TlsContext& context, std::string& subject) {
      Cancel cancel;
      auto accepted = co_await listener.accept(cancel);
      if (!accepted) co_return;
      auto transport = context.accept(std::make_unique<runtime::Socket>(std::move(accepted->fd), accepted->peer));
      auto shaken = co_await handshake(cancel, *transport);
      if (shaken) subject = peer_subject(*transport);
    }
    static Task<std::string> both(const TlsContext& server, const TlsContext& client) {
      auto listener = *runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"));
      std::string seen;
      runtime::Scope scope;
      scope.spawn(accept(listener, server, seen));
      Cancel cancel;
      auto socket = co_await runtime::connect(cancel, listener.address());
      if (!socket) co_return "no connection";
      auto transport = client.connect(std::move(*socket), "127.0.0.1");
      auto shaken = co_await handshake(cancel, *transport);
      co_await scope.join();
      if (!shaken) co_return shaken.error().message();
      co_return peer_subject(*transport) + " and " + seen;
    }
  };
  EXPECT_EQ(runtime::block_on(Side::both(**server, **client)), "CN=localhost and CN=orders");
}

}  // namespace
}  // namespace yun::http::tls
