#pragma once
// Authority: a certificate authority made on the spot, for tests of TLS with certificates of one's own. Its files go with it.

#include <memory>
#include <string>

namespace yun::http::tls {

class Authority {
 public:
  /// A new P-256 key and a self-signed certificate "CN=<name>". Aborts if OpenSSL fails.
  explicit Authority(const std::string& name);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  struct Issued {
    std::string certificate_file;
    std::string key_file;
  };
  /// A key and a certificate "CN=<subject>" for localhost and 127.0.0.1, valid for an hour; for servers and clients alike.
  Issued issue(const std::string& subject);
  /// The authority's own certificate, PEM.
  std::string ca_file() const { return folder_ + "/ca.crt"; }

 private:
  struct Inner;
  std::string folder_;
  std::unique_ptr<Inner> inner_;
};

}  // namespace yun::http::tls
