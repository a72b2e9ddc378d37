#pragma once
// JSON Web Tokens (RFC 7519) signed with ES256; verified with ES256, EdDSA (Ed25519) or RS256 by keys of a JWK set (RFC 7517).
//
//     auto key = SigningKey::generate();                       // user service
//     auto token = key->sign({.issuer = "shop", .subject = id, .audience = {"shop"}, .issued = now(), .expires = now() + 1h});
//     auto keys = KeySet::parse(jwks_text);                    // gateway, order service
//     auto claims = keys->verify(token, {.issuer = "shop", .audience = "shop"});
//
// Strict: `alg` must be the one that belongs to the key (never "none", never HS*), `exp` is required, `iss` and `aud` are checked.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/base/units.hpp"

namespace yun::http {

struct Claims {
  std::string issuer;
  std::string subject;
  std::vector<std::string> audience;
  Time issued{};
  Time expires{};
};

/// A P-256 private key with its id. Copies share the key.
class SigningKey {
 public:
  /// A new key; its id is the RFC 7638 thumbprint.
  static Result<SigningKey> generate();
  /// Reads what to_pem() wrote (PKCS#8).
  static Result<SigningKey> from_pem(std::string_view pem);
  std::string to_pem() const;
  const std::string& id() const { return id_; }
  /// {"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":..,"x":..,"y":..}
  std::string public_jwk() const;
  /// The compact form, header.payload.signature.
  Result<std::string> sign(const Claims& claims) const;

 private:
  struct Key;
  std::shared_ptr<const Key> key_;
  std::string id_;
};

/// What a token must say. `leeway` covers clocks that differ.
struct Expectation {
  std::string issuer;
  std::string audience;
  Duration leeway = std::chrono::seconds(5);
};

/// Public keys of a JWK set: immutable, shared between loops.
class KeySet {
 public:
  /// InvalidArgument if the text is no JWK set. Keys of unknown types are passed over (RFC 7517 5); a set without a usable key is an error.
  static Result<KeySet> parse(std::string_view jwks);
  std::size_t size() const { return keys_.size(); }
  /// Unauthenticated with reason token_malformed, token_algorithm, token_key_unknown, token_signature, token_expired, token_not_yet_valid,
  /// token_issuer or token_audience. `time` is the wall clock.
  Result<Claims> verify(std::string_view token, const Expectation& expected, Time time = now()) const;

 private:
  struct Key;
  std::vector<std::shared_ptr<const Key>> keys_;
};

/// The text of a JWK set with these keys.
std::string jwks(const std::vector<SigningKey>& keys);

/// The token of "Authorization: Bearer ..." (the scheme in any letter case); Unauthenticated with reason token_missing if there is none.
Result<std::string_view> bearer_token(std::optional<std::string_view> authorization);

}  // namespace yun::http
