#include "yun/http/auth/verifier.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::http;

namespace {

struct Source {
  std::vector<SigningKey> keys;
  bool away = false;
  int asked = 0;
};

Task<Result<std::string>> fetch(Source& source) {
  ++source.asked;
  (void)co_await runtime::yield_now();
  if (source.away) co_return unavailable("the user service is away");
  co_return jwks(source.keys);
}

std::string token_of(const SigningKey& key, Duration life = 1h) {
  const auto expires = now() + std::chrono::duration_cast<std::chrono::microseconds>(life);
  return *key.sign({.issuer = "shop", .subject = "u1", .audience = {"shop"}, .issued = now(), .expires = expires});
}

TokenVerifier::Options options(std::string keep_in = "") {
  return {.expected = {.issuer = "shop", .audience = "shop", .leeway = 0s}, .min_refetch = 1ms, .keep_in = std::move(keep_in)};
}

/// Runs `body` while the verifier runs beside it.
template <typename F>
void with_verifier(Source& source, TokenVerifier::Options with, F body) {
  TokenVerifier verifier(std::move(with), [&source](Context&) { return fetch(source); });
  runtime::block_on([](TokenVerifier& v, F& f, Source& from) -> Task<void> {
    Context ctx;
    runtime::Scope scope;
    scope.spawn(v.run(ctx));
    co_await f(v, ctx, from);
    ctx.cancel();
    co_await scope.join();
  }(verifier, body, source));
}

std::string reason_of(const Result<Claims>& claims) { return claims ? "ok" : claims.error().reason(); }

Task<void> until_loaded(TokenVerifier& verifier) {
  while (!verifier.has_keys()) co_await runtime::yield_now();
}

}  // namespace

TEST(TokenVerifier, BeforeAnyKeysItIsUnavailable) {
  Source source;
  source.away = true;
  with_verifier(source, options(), [](TokenVerifier& v, Context&, Source&) -> Task<void> {
    EXPECT_EQ(reason_of(v.verify_now("a.b.c")), "jwks_unavailable");
    co_return;
  });
}

TEST(TokenVerifier, AKeyThatCameLaterIsFetchedForItsFirstToken) {
  Source source;
  source.keys = {*SigningKey::generate()};
  with_verifier(source, options(), [](TokenVerifier& v, Context& ctx, Source& shared) -> Task<void> {
    co_await until_loaded(v);
    const std::string first = token_of(shared.keys[0]);
    EXPECT_EQ(reason_of(v.verify_now(first)), "ok");
    shared.keys.push_back(*SigningKey::generate());
    const std::string second = token_of(shared.keys[1]);
    auto claims = co_await v.verify(ctx, second);
    EXPECT_EQ(reason_of(claims), "ok");
  });
}

TEST(TokenVerifier, ARememberedTokenEndsWithItsKey) {
  Source source;
  source.keys = {*SigningKey::generate()};
  with_verifier(source, options(), [](TokenVerifier& v, Context& ctx, Source& shared) -> Task<void> {
    co_await until_loaded(v);
    const std::string token = token_of(shared.keys[0]);
    EXPECT_EQ(reason_of(v.verify_now(token)), "ok");
    shared.keys = {*SigningKey::generate()};  // the old key is withdrawn
    const std::string fresh = token_of(shared.keys[0]);
    auto claims = co_await v.verify(ctx, fresh);
    EXPECT_EQ(reason_of(claims), "ok");
    EXPECT_EQ(reason_of(v.verify_now(token)), "token_key_unknown");
  });
}

TEST(TokenVerifier, ARememberedTokenEndsWithItsExp) {
  Source source;
  source.keys = {*SigningKey::generate()};
  with_verifier(source, options(), [](TokenVerifier& v, Context& ctx, Source& shared) -> Task<void> {
    co_await until_loaded(v);
    const std::string token = token_of(shared.keys[0], 1s);
    const std::string first = reason_of(v.verify_now(token));
    while (reason_of(v.verify_now(token)) == "ok") (void)co_await runtime::sleep_for(ctx, 20ms);  // until the second is over
    EXPECT_EQ(first, "ok");
    EXPECT_EQ(reason_of(v.verify_now(token)), "token_expired");
  });
}

TEST(TokenVerifier, TheLastKeySetIsKeptOnDisk) {
  char folder[] = "/tmp/yun-jwks-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string file = std::string(folder) + "/jwks.json";
  Source source;
  source.keys = {*SigningKey::generate()};
  const std::string token = token_of(source.keys[0]);
  with_verifier(source, options(file), [](TokenVerifier& v, Context&, Source&) -> Task<void> { co_await until_loaded(v); });
  static std::string shared_token;
  shared_token = token;
  source.away = true;
  with_verifier(source, options(file), [](TokenVerifier& v, Context&, Source&) -> Task<void> {
    EXPECT_EQ(reason_of(v.verify_now(shared_token)), "ok");
    co_return;
  });
}
