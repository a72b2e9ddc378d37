#include "yun/http/auth/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>

#include "yun/base/strings.hpp"
#include "yun/json/value.hpp"
#include "yun/json/write.hpp"

namespace yun::http {

namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

enum class Algorithm { Es256, EdDsa, Rs256 };
constexpr std::size_t kMaxToken = 8192;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Error refused(std::string message, const char* reason) { return unauthenticated(std::move(message)).with_reason(reason); }

/// The 64 bytes r || s of RFC 7518 3.4 as the DER that OpenSSL reads, and back.
std::string der_from_raw(std::string_view raw) {
  Signature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes(raw), 32, nullptr);
  BIGNUM* s = BN_bin2bn(bytes(raw) + 32, 32, nullptr);
  ECDSA_SIG_set0(signature.get(), r, s);
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  std::string result(reinterpret_cast<char*>(der), static_cast<std::size_t>(std::max(size, 0)));
  OPENSSL_free(der);
  return result;
}

std::string raw_from_der(std::string_view der) {
  const unsigned char* at = bytes(der);
  Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string raw(64, '\0');
  if (!signature) return raw;
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + 32, 32);
  return raw;
}

std::string coordinate(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  Number owned(number);
  std::string text(32, '\0');
  BN_bn2binpad(owned.get(), reinterpret_cast<unsigned char*>(text.data()), 32);
  return to_base64url(text);
}

std::string thumbprint(const std::string& x, const std::string& y) {
  const std::string canonical = R"({"crv":"P-256","kty":"EC","x":")" + x + R"(","y":")" + y + R"("})";
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(bytes(canonical), canonical.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return to_base64url(digest);
}

PrivateKey from_parameters(const char* type, OSSL_PARAM* parameters) {
  std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 || EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
    return nullptr;
  return PrivateKey(key);
}

PrivateKey ec_key(const std::string& x, const std::string& y) {
  if (x.size() != 32 || y.size() != 32) return nullptr;
  std::string point = "\x04" + x + y;
  char group[] = "P-256";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                             OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()), OSSL_PARAM_construct_end()};
  return from_parameters("EC", parameters);
}

PrivateKey rsa_key(const std::string& n, const std::string& e) {
  if (n.size() < 256) return nullptr;  // 2048 bits at least
  Number modulus(BN_bin2bn(bytes(n), static_cast<int>(n.size()), nullptr));
  Number exponent(BN_bin2bn(bytes(e), static_cast<int>(e.size()), nullptr));
  std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  return from_parameters("RSA", parameters.get());
}

std::string text_of(const json::Value& object, std::string_view name) {
  const std::string* text = object[name].as_string();
  return text ? *text : std::string();
}

std::optional<Time> time_of(const json::Value& object, std::string_view name) {
  const auto seconds = object[name].as_double();
  if (!seconds || !(*seconds >= 0 && *seconds < 1e11)) return std::nullopt;
  return Time(std::chrono::microseconds(static_cast<std::int64_t>(*seconds * 1e6)));
}

}  // namespace

// ---- signing ----

struct SigningKey::Key {
  PrivateKey key;
  std::string x, y;
  explicit Key(PrivateKey from)
      : key(std::move(from)), x(coordinate(key.get(), OSSL_PKEY_PARAM_EC_PUB_X)), y(coordinate(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y)) {}
};

Result<SigningKey> SigningKey::generate() {
  PrivateKey key(EVP_EC_gen("P-256"));
  if (!key) return internal_error("cannot make a P-256 key");
  SigningKey result;
  auto made = std::make_shared<Key>(std::move(key));
  result.id_ = thumbprint(made->x, made->y);
  result.key_ = std::move(made);
  return result;
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
  std::unique_ptr<BIO, Deleter<BIO_free>> input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PrivateKey key(PEM_read_bio_PrivateKey(input.get(), nullptr, nullptr, nullptr));
  char group[32] = {};
  if (!key || EVP_PKEY_get_group_name(key.get(), group, sizeof group, nullptr) != 1 || std::string_view(group) != "prime256v1")
    return invalid_argument("not a P-256 private key in PEM");
  SigningKey result;
  auto made = std::make_shared<Key>(std::move(key));
  result.id_ = thumbprint(made->x, made->y);
  result.key_ = std::move(made);
  return result;
}

std::string SigningKey::to_pem() const {
  std::unique_ptr<BIO, Deleter<BIO_free>> output(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(output.get(), key_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(output.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string SigningKey::public_jwk() const {
  return R"({"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":")" + id_ + R"(","x":")" + key_->x + R"(","y":")" + key_->y + R"("})";
}

Result<std::string> SigningKey::sign(const Claims& claims) const {
  const auto seconds = [](Time time) { return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()); };
  const std::string payload = R"({"iss":)" + json::to_json(claims.issuer) + R"(,"sub":)" + json::to_json(claims.subject) + R"(,"aud":)" +
                              json::to_json(claims.audience) + R"(,"iat":)" + seconds(claims.issued) + R"(,"exp":)" + seconds(claims.expires) + "}";
  std::string token = to_base64url(R"({"alg":"ES256","typ":"JWT","kid":")" + id_ + "\"}") + "." + to_base64url(payload);
  DigestContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes(token), token.size()) != 1)
    return internal_error("cannot sign a token");
  std::string der(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size, bytes(token), token.size()) != 1)
    return internal_error("cannot sign a token");
  der.resize(size);
  token += "." + to_base64url(raw_from_der(der));
  return token;
}

std::string jwks(const std::vector<SigningKey>& keys) {
  std::string text = R"({"keys":[)";
  for (const auto& key : keys) {
    if (&key != &keys.front()) text += ',';
    text += key.public_jwk();
  }
  return text + "]}";
}

// ---- verifying ----

struct KeySet::Key {
  PrivateKey key;
  Algorithm algorithm;
  std::string id;
};

Result<KeySet> KeySet::parse(std::string_view text) {
  YUN_GET(document, json::parse(text));
  const json::Array* list = document["keys"].as_array();
  if (!list) return invalid_argument("not a JWK set: no \"keys\" array");
  KeySet set;
  for (const json::Value& jwk : *list) {
    if (!jwk.as_object()) continue;
    if (const auto use = text_of(jwk, "use"); !use.empty() && use != "sig") continue;
    const auto member = [&jwk](std::string_view name) { return from_base64url(text_of(jwk, name)).value_or(std::string()); };
    const std::string type = text_of(jwk, "kty");
    const std::string curve = text_of(jwk, "crv");
    const std::string wanted = text_of(jwk, "alg");
    PrivateKey key;
    Algorithm algorithm{};
    std::string_view algorithm_name;
    if (type == "EC" && curve == "P-256") {
      key = ec_key(member("x"), member("y"));
      algorithm = Algorithm::Es256;
      algorithm_name = "ES256";
    } else if (type == "OKP" && curve == "Ed25519") {
      const std::string x = member("x");
      key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(x), x.size()));
      algorithm = Algorithm::EdDsa;
      algorithm_name = "EdDSA";
    } else if (type == "RSA") {
      key = rsa_key(member("n"), member("e"));
      algorithm = Algorithm::Rs256;
      algorithm_name = "RS256";
    }
    if (!key || (!wanted.empty() && wanted != algorithm_name)) continue;
    set.keys_.push_back(std::make_shared<Key>(Key{std::move(key), algorithm, text_of(jwk, "kid")}));
  }
  if (set.keys_.empty()) return invalid_argument("the JWK set has no usable signing key");
  return set;
}

namespace {

bool signature_fits(EVP_PKEY* key, Algorithm algorithm, std::string_view signed_part, std::string_view signature) {
  std::string der;
  if (algorithm == Algorithm::Es256) {
    if (signature.size() != 64) return false;
    der = der_from_raw(signature);
    signature = der;
  }
  DigestContext context(EVP_MD_CTX_new());
  const EVP_MD* digest = algorithm == Algorithm::EdDsa ? nullptr : EVP_sha256();
  return EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(signed_part), signed_part.size()) == 1;
}

std::optional<Algorithm> algorithm_of(std::string_view name) {
  if (name == "ES256") return Algorithm::Es256;
  if (name == "EdDSA") return Algorithm::EdDsa;
  if (name == "RS256") return Algorithm::Rs256;
  return std::nullopt;
}

Result<Claims> check_claims(const json::Value& payload, const Expectation& expected, Time time) {
  Claims claims;
  claims.issuer = text_of(payload, "iss");
  claims.subject = text_of(payload, "sub");
  if (const std::string* audience = payload["aud"].as_string()) claims.audience.push_back(*audience);
  if (const json::Array* list = payload["aud"].as_array()) {
    for (const auto& item : *list) {
      if (const std::string* audience = item.as_string()) claims.audience.push_back(*audience);
    }
  }
  const auto leeway = std::chrono::duration_cast<std::chrono::microseconds>(expected.leeway);
  const auto expires = time_of(payload, "exp");
  if (!expires) return refused("the token has no exp", "token_malformed");
  if (*expires + leeway <= time) return refused("the token has expired", "token_expired");
  if (payload.as_object()->find("nbf")) {
    const auto not_before = time_of(payload, "nbf");
    if (!not_before) return refused("the token's nbf is no time", "token_malformed");
    if (*not_before - leeway > time) return refused("the token is not valid yet", "token_not_yet_valid");
  }
  claims.expires = *expires;
  claims.issued = time_of(payload, "iat").value_or(Time{});
  if (claims.issuer != expected.issuer) return refused("the token has another issuer", "token_issuer");
  if (std::find(claims.audience.begin(), claims.audience.end(), expected.audience) == claims.audience.end())
    return refused("the token is for another audience", "token_audience");
  if (claims.subject.empty()) return refused("the token has no subject", "token_malformed");
  return claims;
}

}  // namespace

Result<Claims> KeySet::verify(std::string_view token, const Expectation& expected, Time time) const {
  const auto malformed = [] { return refused("the token is malformed", "token_malformed"); };
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (token.size() > kMaxToken || second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return malformed();
  const auto head_text = from_base64url(token.substr(0, first));
  const auto payload_text = from_base64url(token.substr(first + 1, second - first - 1));
  const auto signature = from_base64url(token.substr(second + 1));
  if (!head_text || !payload_text || !signature) return malformed();
  auto head = json::parse(*head_text);
  if (!head || !head->as_object() || head->as_object()->find("crit")) return malformed();

  const auto algorithm = algorithm_of(text_of(*head, "alg"));
  if (!algorithm) return refused("the token's algorithm is not allowed", "token_algorithm");
  const std::string id = text_of(*head, "kid");
  bool known = false;
  bool fits = false;
  for (const auto& key : keys_) {
    if (!id.empty() && key->id != id) continue;
    known = true;
    if (key->algorithm == *algorithm && signature_fits(key->key.get(), *algorithm, token.substr(0, second), *signature)) {
      fits = true;
      break;
    }
  }
  if (!known) return refused("the token was signed by an unknown key", "token_key_unknown");
  if (!fits) return refused("the token's signature is wrong", "token_signature");

  auto payload = json::parse(*payload_text);
  if (!payload || !payload->as_object()) return malformed();
  return check_claims(*payload, expected, time);
}

Result<std::string_view> bearer_token(std::optional<std::string_view> authorization) {
  if (!authorization || authorization->size() < 8 || !iequals(authorization->substr(0, 7), "bearer "))
    return refused("a bearer token is required", "token_missing");
  return trim(authorization->substr(7));
}

}  // namespace yun::http
