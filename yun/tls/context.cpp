#include "yun/tls/context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>

namespace yun::tls {

namespace {

using runtime::Interest;
using runtime::Io;

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "error " + std::to_string(code);
}

// ---- a BIO over a Socket: readiness and SIGPIPE stay the socket's business ----

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const Io io = static_cast<runtime::Socket*>(BIO_get_data(bio))->try_read({into, static_cast<std::size_t>(size)});
  if (io.state == Io::State::Done) return static_cast<int>(io.bytes);
  if (io.state == Io::State::Closed) {
    BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return 0;
  }
  if (io.state == Io::State::WouldBlock) BIO_set_retry_read(bio);
  return -1;
}

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const Io io = static_cast<runtime::Socket*>(BIO_get_data(bio))->try_write({bytes, static_cast<std::size_t>(size)});
  if (io.state == Io::State::Done) return static_cast<int>(io.bytes);
  if (io.state == Io::State::WouldBlock) BIO_set_retry_write(bio);
  return -1;
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return 0;
}

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "yun socket");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class TlsTransport final : public runtime::Transport {
 public:
  /// `held` owns `context` and what its callbacks point to.
  TlsTransport(std::shared_ptr<void> held, SSL_CTX* context, std::unique_ptr<runtime::Socket> socket)
      : held_(std::move(held)), socket_(std::move(socket)), ssl_(SSL_new(context)) {
    BIO* bio = BIO_new(bio_method());
    BIO_set_data(bio, socket_.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
  }

  Io try_read(std::span<char> into) override {
    ERR_clear_error();
    std::size_t count = 0;
    if (SSL_read_ex(ssl_.get(), into.data(), into.size(), &count) == 1) return {Io::State::Done, 0, count};
    return failed(0, read_wants_);
  }
  Io try_write(std::string_view bytes) override {
    ERR_clear_error();
    std::size_t count = 0;
    if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count) == 1) return {Io::State::Done, 0, count};
    return failed(0, write_wants_);
  }
  Interest wanted(Interest interest) const override { return interest == Interest::Read ? read_wants_ : write_wants_; }
  bool has_pending() const override { return SSL_has_pending(ssl_.get()) == 1; }
  void shutdown_write() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get())) (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
    socket_->shutdown_write();
  }
  runtime::Watch& watch() override { return socket_->watch(); }
  const runtime::Address& peer() const override { return socket_->peer(); }
  const runtime::Address& local() const override { return socket_->local(); }
  std::string_view alpn() const override {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
    return {reinterpret_cast<const char*>(chosen), size};
  }
  bool is_tls() const override { return true; }

  SSL* ssl() const { return ssl_.get(); }
  /// One step; Done when the handshake is complete.
  Io step() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return {};
    return failed(result, read_wants_);
  }

 private:
  Io failed(int result, Interest& wants) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ: wants = Interest::Read; return {Io::State::WouldBlock, 0, 0};
      case SSL_ERROR_WANT_WRITE: wants = Interest::Write; return {Io::State::WouldBlock, 0, 0};
      case SSL_ERROR_ZERO_RETURN: return {Io::State::Closed, 0, 0};
      default: return {Io::State::Failed, EPROTO, 0};
    }
  }

  std::shared_ptr<void> held_;
  std::unique_ptr<runtime::Socket> socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  Interest read_wants_ = Interest::Read;
  Interest write_wants_ = Interest::Write;
};

// ---- contexts ----

/// ALPN's wire form: each name behind its length.
std::string alpn_wire(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& each : names) {
    wire += static_cast<char>(each.size());
    wire += each;
  }
  return wire;
}

struct Held {
  SSL_CTX* context = nullptr;
  std::string alpn;
  explicit Held(const SSL_METHOD* method) : context(SSL_CTX_new(method)) {}
  ~Held() { SSL_CTX_free(context); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
};

int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered, unsigned offered_size, void* held) {
  const std::string& ours = static_cast<Held*>(held)->alpn;
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()), static_cast<unsigned>(ours.size()),
                                           offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");  // HTTP/2 forbids the rest (RFC 9113 9.2.2)
  SSL_CTX_set_read_ahead(context, 1);
}

Result<void> load_certificate(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return invalid_argument("certificate file '" + certificate + "': " + openssl_reason());
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) return invalid_argument("key file '" + key + "': " + openssl_reason());
  if (SSL_CTX_check_private_key(context) != 1) return invalid_argument("key file '" + key + "' does not fit certificate file '" + certificate + "'");
  return {};
}

using Made = std::shared_ptr<Held>;

Result<Made> make_server(const ServerTls& options) {
  auto held = std::make_shared<Held>(TLS_server_method());
  set_common(held->context);
  if (auto loaded = load_certificate(held->context, options.certificate_file, options.key_file); !loaded) return std::move(loaded).error();
  held->alpn = alpn_wire(options.alpn);
  if (!held->alpn.empty()) SSL_CTX_set_alpn_select_cb(held->context, choose_alpn, held.get());
  static constexpr unsigned char kSession[] = "yun";
  SSL_CTX_set_session_id_context(held->context, kSession, sizeof kSession - 1);
  if (options.client_certificates != ClientCertificates::None) {
    if (SSL_CTX_load_verify_locations(held->context, options.client_ca_file.c_str(), nullptr) != 1)
      return invalid_argument("client CA file '" + options.client_ca_file + "': " + openssl_reason());
    SSL_CTX_set_client_CA_list(held->context, SSL_load_client_CA_file(options.client_ca_file.c_str()));
    const bool required = options.client_certificates == ClientCertificates::Required;
    SSL_CTX_set_verify(held->context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  }
  return held;
}

Result<Made> make_client(const ClientTls& options) {
  auto held = std::make_shared<Held>(TLS_client_method());
  set_common(held->context);
  if (options.verify == Verify::Full) {
    SSL_CTX_set_verify(held->context, SSL_VERIFY_PEER, nullptr);
    const bool loaded = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(held->context) == 1
                                                : SSL_CTX_load_verify_locations(held->context, options.ca_file.c_str(), nullptr) == 1;
    if (!loaded) return invalid_argument("CA file '" + options.ca_file + "': " + openssl_reason());
  }
  if (!options.certificate_file.empty()) {
    if (auto loaded = load_certificate(held->context, options.certificate_file, options.key_file); !loaded) return std::move(loaded).error();
  }
  held->alpn = alpn_wire(options.alpn);
  if (!held->alpn.empty())
    SSL_CTX_set_alpn_protos(held->context, reinterpret_cast<const unsigned char*>(held->alpn.data()), static_cast<unsigned>(held->alpn.size()));
  return held;
}

}  // namespace

struct TlsContext::Inner {
  bool is_server = false;
  ServerTls server;
  ClientTls client;
  mutable std::mutex mutex;
  Made held;

  Result<Made> make() const { return is_server ? make_server(server) : make_client(client); }
};

TlsContext::TlsContext() : inner_(std::make_unique<Inner>()) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::server(ServerTls options) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  context->inner_->is_server = true;
  context->inner_->server = std::move(options);
  if (auto loaded = context->reload(); !loaded) return std::move(loaded).error();
  return context;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(ClientTls options) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  context->inner_->client = std::move(options);
  if (auto loaded = context->reload(); !loaded) return std::move(loaded).error();
  return context;
}

Result<void> TlsContext::reload() {
  auto made = inner_->make();
  if (!made) return std::move(made).error();
  std::lock_guard lock(inner_->mutex);
  inner_->held = std::move(*made);
  return {};
}

std::shared_ptr<void> TlsContext::current() const {
  std::lock_guard lock(inner_->mutex);
  return inner_->held;
}

std::unique_ptr<runtime::Transport> TlsContext::accept(std::unique_ptr<runtime::Socket> socket) const {
  const auto held = std::static_pointer_cast<Held>(current());
  auto transport = std::make_unique<TlsTransport>(held, held->context, std::move(socket));
  SSL_set_accept_state(transport->ssl());
  return transport;
}

std::unique_ptr<runtime::Transport> TlsContext::connect(std::unique_ptr<runtime::Socket> socket, std::string host) const {
  const auto held = std::static_pointer_cast<Held>(current());
  auto transport = std::make_unique<TlsTransport>(held, held->context, std::move(socket));
  SSL_set_connect_state(transport->ssl());
  X509_VERIFY_PARAM* rules = SSL_get0_param(transport->ssl());
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) != 1) {
    ERR_clear_error();
    SSL_set_tlsext_host_name(transport->ssl(), host.c_str());
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
  }
  return transport;
}

Task<Result<void>> handshake(Cancel& cancel, runtime::Transport& transport) {
  auto* tls = dynamic_cast<TlsTransport*>(&transport);
  if (!tls) co_return invalid_argument("a handshake on a transport that is not TLS");
  for (;;) {
    const Io io = tls->step();
    if (io.state == Io::State::Done) co_return Result<void>();
    if (io.state == Io::State::WouldBlock) {
      YUN_CHECK(co_await tls->watch().ready(cancel, tls->wanted(Interest::Read)));
      continue;
    }
    const long verified = SSL_get_verify_result(tls->ssl());
    if (verified != X509_V_OK) {
      ERR_clear_error();
      co_return unauthenticated("TLS with " + tls->peer().to_string() + ": " + X509_verify_cert_error_string(verified)).with_reason("tls_certificate");
    }
    co_return unavailable("TLS with " + tls->peer().to_string() + ": " + openssl_reason()).with_reason("tls_handshake");
  }
}

std::string peer_subject(const runtime::Transport& transport) {
  const auto* tls = dynamic_cast<const TlsTransport*>(&transport);
  if (!tls || SSL_get_verify_result(tls->ssl()) != X509_V_OK) return "";
  X509* certificate = SSL_get1_peer_certificate(tls->ssl());
  if (!certificate) return "";
  BIO* text = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text, &bytes);
  std::string subject(bytes, static_cast<std::size_t>(size));
  BIO_free(text);
  X509_free(certificate);
  return subject;
}

}  // namespace yun::tls
