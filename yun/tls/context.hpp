#pragma once
// TLS over a runtime::Socket: TLS 1.2 and 1.3, ALPN, verification of peers, certificates reloaded without a restart.
//
//     YUN_GET(context, tls::TlsContext::server({.certificate_file = "tls.crt", .key_file = "tls.key"}));
//     options.tls = context;                                   // http::Server
//
//     auto transport = context->connect(std::move(socket), "api.example.com");
//     YUN_CHECK(co_await tls::handshake(ctx, *transport));     // then read and write as over any transport

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "yun/runtime/net.hpp"

namespace yun::tls {

enum class ClientCertificates : std::uint8_t { None, Optional, Required };
enum class Verify : std::uint8_t { Full, None };

struct ServerTls {
  std::string certificate_file = {};  ///< PEM, leaf first, then what leads to the root
  std::string key_file = {};          ///< PEM
  ClientCertificates client_certificates = ClientCertificates::None;
  std::string client_ca_file = {};  ///< PEM; who may sign client certificates
  std::vector<std::string> alpn = {"h2", "http/1.1"};
};

struct ClientTls {
  std::string ca_file = {};           ///< PEM; "" = the system's store
  std::string certificate_file = {};  ///< for servers that ask for one
  std::string key_file = {};
  Verify verify = Verify::Full;  ///< None accepts any certificate: for tests only
  std::vector<std::string> alpn = {"h2", "http/1.1"};
};

/// Keys, certificates and rules, shared by many connections; thread-safe.
class TlsContext {
 public:
  /// InvalidArgument that names the file and OpenSSL's reason.
  static Result<std::shared_ptr<TlsContext>> server(ServerTls options);
  static Result<std::shared_ptr<TlsContext>> client(ClientTls options);
  ~TlsContext();

  /// Reads all files anew; connections from now on use them. On an error all stays as it was.
  Result<void> reload();

  /// The server's side of a fresh connection. Do handshake() next.
  std::unique_ptr<runtime::Transport> accept(std::unique_ptr<runtime::Socket> socket) const;
  /// The client's side; `host` (a name or an IP address) is asked for (SNI) and checked against the certificate.
  std::unique_ptr<runtime::Transport> connect(std::unique_ptr<runtime::Socket> socket, std::string host) const;

 private:
  struct Inner;
  TlsContext();
  std::shared_ptr<void> current() const;

  std::unique_ptr<Inner> inner_;
};

/// Of a transport made above. Unauthenticated if the peer's certificate is not accepted, Unavailable if the peer goes or speaks no TLS; the Cancel's errors.
Task<Result<void>> handshake(Cancel& cancel, runtime::Transport& transport);

/// The subject of the peer's verified certificate ("CN=orders,O=shop"), "" if it gave none or the transport is not TLS.
std::string peer_subject(const runtime::Transport& transport);

}  // namespace yun::tls
