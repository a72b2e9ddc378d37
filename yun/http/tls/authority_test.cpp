// The making of certificates for tests.

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "yun/http/tls/authority_for_tests.hpp"

namespace yun::http::tls {

namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

void require(bool well) {
  if (!well) std::abort();
}

void extend(X509* certificate, int kind, const char* value) {
  const std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

/// Signed by `issuer` with `issuer_key`, or by itself where those are null.
Certificate certificate_of(const std::string& subject, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate made(X509_new());
  std::uint32_t serial = 0;
  require(made && RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), static_cast<long>(serial));
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_set_pubkey(made.get(), key);
  X509_NAME* name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), issuer ? X509_get_subject_name(issuer) : name);
  if (issuer) {
    extend(made.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  } else {
    extend(made.get(), NID_basic_constraints, "critical,CA:TRUE");
  }
  require(X509_sign(made.get(), issuer_key ? issuer_key : key, EVP_sha256()) > 0);
  return made;
}

std::unique_ptr<std::FILE, Free> open(const std::string& path) {
  std::unique_ptr<std::FILE, Free> file(std::fopen(path.c_str(), "w"));
  require(file != nullptr);
  return file;
}

}  // namespace

struct Authority::Inner {
  Key key{EVP_EC_gen("P-256")};
  Certificate certificate;
};

Authority::Authority(const std::string& name) : inner_(std::make_unique<Inner>()) {
  folder_ = (std::filesystem::temp_directory_path() / "yun-authority-XXXXXX").string();
  require(inner_->key && ::mkdtemp(folder_.data()) != nullptr);
  inner_->certificate = certificate_of(name, inner_->key.get(), nullptr, nullptr);
  require(PEM_write_X509(open(ca_file()).get(), inner_->certificate.get()) == 1);
}

Authority::~Authority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Authority::Issued Authority::issue(const std::string& subject) {
  const Issued issued{folder_ + "/" + subject + ".crt", folder_ + "/" + subject + ".key"};
  const Key key(EVP_EC_gen("P-256"));
  const Certificate made = certificate_of(subject, key.get(), inner_->certificate.get(), inner_->key.get());
  require(PEM_write_X509(open(issued.certificate_file).get(), made.get()) == 1);
  require(PEM_write_PrivateKey(open(issued.key_file).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return issued;
}

}  // namespace yun::http::tls
