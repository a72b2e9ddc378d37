#include "yun/http/auth/jwt.hpp"

#include <gtest/gtest.h>

#include "yun/base/strings.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;

namespace {

struct Jwt : testing::Test {
  SigningKey key = *SigningKey::generate();
  KeySet keys = *KeySet::parse(jwks({key}));
  Claims claims{.issuer = "shop", .subject = "u1", .audience = {"shop"}, .issued = now(), .expires = now() + 1h};
  Expectation expected{.issuer = "shop", .audience = "shop"};

  std::string reason(std::string_view token) {
    auto verified = keys.verify(token, expected);
    return verified ? "ok" : verified.error().reason();
  }
  /// The good token with its first part replaced.
  std::string with_head(std::string_view head) {
    const std::string token = *key.sign(claims);
    return to_base64url(head) + token.substr(token.find('.'));
  }
};

}  // namespace

TEST_F(Jwt, ASignedTokenVerifies) {
  auto verified = keys.verify(*key.sign(claims), expected);
  ASSERT_TRUE(verified) << verified.error().to_string();
  EXPECT_EQ(verified->subject, "u1");
  EXPECT_EQ(verified->expires, std::chrono::floor<std::chrono::seconds>(claims.expires));
}

TEST_F(Jwt, SurvivesItsPem) {
  auto again = SigningKey::from_pem(key.to_pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id(), key.id());
  EXPECT_EQ(reason(*again->sign(claims)), "ok");
}

TEST_F(Jwt, ExpiryIsJudgedByTheClockWithLeeway) {
  const std::string token = *key.sign(claims);
  EXPECT_TRUE(keys.verify(token, expected, claims.expires + 3s));
  auto late = keys.verify(token, expected, claims.expires + 6s);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason(), "token_expired");
}

TEST_F(Jwt, AnotherIssuerOrAudienceIsRefused) {
  claims.issuer = "elsewhere";
  EXPECT_EQ(reason(*key.sign(claims)), "token_issuer");
  claims.issuer = "shop";
  claims.audience = {"bank"};
  EXPECT_EQ(reason(*key.sign(claims)), "token_audience");
}

TEST_F(Jwt, AlgorithmNoneAndHmacAreRefused) {
  EXPECT_EQ(reason(with_head(R"({"alg":"none"})")), "token_algorithm");
  EXPECT_EQ(reason(with_head(R"({"alg":"HS256"})")), "token_algorithm");
  EXPECT_EQ(reason(with_head(R"({"alg":"EdDSA"})")), "token_signature");
}

TEST_F(Jwt, AChangedPayloadBreaksTheSignature) {
  std::string token = *key.sign(claims);
  const auto first = token.find('.');
  const auto second = token.find('.', first + 1);
  const std::string forged = to_base64url(R"({"iss":"shop","sub":"admin","aud":"shop","exp":99999999999})");
  EXPECT_EQ(reason(token.substr(0, first + 1) + forged + token.substr(second)), "token_signature");
}

TEST_F(Jwt, AKeyOfAnotherSetIsUnknown) { EXPECT_EQ(reason(*SigningKey::generate()->sign(claims)), "token_key_unknown"); }

TEST_F(Jwt, RubbishIsMalformed) {
  for (std::string_view token : {"", "a", "a.b", "a.b.c.d", "..", "!!.!!.!!", "e30.e30.e30="}) EXPECT_NE(reason(token), "ok") << token;
  EXPECT_EQ(reason(""), "token_malformed");
  EXPECT_EQ(reason(std::string(10'000, 'a')), "token_malformed");
}

TEST(KeySetTest, UnknownKeyTypesArePassedOverAndAnEmptySetIsAnError) {
  EXPECT_FALSE(KeySet::parse(R"({"keys":[{"kty":"oct","k":"AA"}]})"));
  EXPECT_FALSE(KeySet::parse(R"({"keys":[]})"));
  EXPECT_FALSE(KeySet::parse("nonsense"));
  auto both = KeySet::parse(R"({"keys":[{"kty":"oct","k":"AA"},)" + SigningKey::generate()->public_jwk() + "]}");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->size(), 1U);
}

TEST(BearerToken, TheSchemeIsCaseInsensitive) {
  EXPECT_EQ(*bearer_token("bEaReR abc"), "abc");
  EXPECT_EQ(bearer_token("Basic abc").error().reason(), "token_missing");
  EXPECT_EQ(bearer_token(std::nullopt).error().reason(), "token_missing");
}
