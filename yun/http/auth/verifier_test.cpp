#include "yun/http/auth/verifier.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
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

/// The wall clock of these tests: it moves when they say so.
Time wall = Time(std::chrono::seconds(1'800'000'000));

std::string token_of(const SigningKey& key, std::chrono::seconds life = 1h) {
  return *key.sign({.issuer = "shop", .subject = "u1", .audience = {"shop"}, .issued = wall, .expires = wall + life});
}

struct Folder {
  Folder() : path(::mkdtemp(name) ? name : "") {}
  ~Folder() { std::filesystem::remove_all(path); }
  char name[32] = "/tmp/yun-jwks-XXXXXX";
  std::string path;
};

TokenVerifier::Options options(std::string keep_in = "") {
  return {.expected = {.issuer = "shop", .audience = "shop", .leeway = 0s}, .min_refetch = 1ms, .keep_in = std::move(keep_in), .clock = [] { return wall; }};
}

/// Runs `body` while the verifier runs beside it.
template <typename F>
void with_verifier(Source& source, TokenVerifier::Options with, F body) {
  TokenVerifier verifier(std::move(with), [&source](Context&) { return fetch(source); });
  runtime::block_on([](TokenVerifier& v, F& f) -> Task<void> {
    Context ctx;
    runtime::Scope scope;
    scope.spawn(v.run(ctx));
    co_await f(v, ctx);
    ctx.cancel();
    co_await scope.join();
  }(verifier, body));
}

std::string reason_of(const Result<Claims>& claims) { return claims ? "ok" : claims.error().reason(); }

Task<void> until_loaded(TokenVerifier& verifier) {
  while (!verifier.has_keys()) co_await runtime::yield_now();
}

}  // namespace

TEST(TokenVerifier, BeforeAnyKeysItIsUnavailable) {
  Source source;
  source.away = true;
  with_verifier(source, options(), [](TokenVerifier& v, Context&) -> Task<void> {
    EXPECT_EQ(reason_of(v.verify_now("a.b.c")), "jwks_unavailable");
    co_return;
  });
}

TEST(TokenVerifier, AKeyThatCameLaterIsFetchedForItsFirstToken) {
  Source source;
  source.keys = {*SigningKey::generate()};
  static Source* shared;
  shared = &source;
  with_verifier(source, options(), [](TokenVerifier& v, Context& ctx) -> Task<void> {
    co_await until_loaded(v);
    const std::string first = token_of(shared->keys[0]);
    EXPECT_EQ(reason_of(v.verify_now(first)), "ok");
    shared->keys.push_back(*SigningKey::generate());
    const std::string second = token_of(shared->keys[1]);
    auto claims = co_await v.verify(ctx, second);
    EXPECT_EQ(reason_of(claims), "ok");
  });
}

TEST(TokenVerifier, ARememberedTokenEndsWithItsKey) {
  Source source;
  source.keys = {*SigningKey::generate()};
  static Source* shared;
  shared = &source;
  with_verifier(source, options(), [](TokenVerifier& v, Context& ctx) -> Task<void> {
    co_await until_loaded(v);
    const std::string token = token_of(shared->keys[0]);
    EXPECT_EQ(reason_of(v.verify_now(token)), "ok");
    shared->keys = {*SigningKey::generate()};  // the old key is withdrawn
    const std::string fresh = token_of(shared->keys[0]);
    auto claims = co_await v.verify(ctx, fresh);
    EXPECT_EQ(reason_of(claims), "ok");
    EXPECT_EQ(reason_of(v.verify_now(token)), "token_key_unknown");
  });
}

TEST(TokenVerifier, ARememberedTokenEndsWithItsExp) {
  Source source;
  source.keys = {*SigningKey::generate()};
  static Source* shared;
  shared = &source;
  with_verifier(source, options(), [](TokenVerifier& v, Context&) -> Task<void> {
    co_await until_loaded(v);
    const std::string token = token_of(shared->keys[0], 60s);
    EXPECT_EQ(reason_of(v.verify_now(token)), "ok");
    wall += 59s;
    EXPECT_EQ(reason_of(v.verify_now(token)), "ok");
    wall += 1s;
    EXPECT_EQ(reason_of(v.verify_now(token)), "token_expired");
  });
}

TEST(TokenVerifier, AFetchThatWasAskedForMayComeAfterItsEnd) {
  Source source;
  source.keys = {*SigningKey::generate()};
  runtime::block_on([](Source& from) -> Task<void> {
    auto verifier = std::make_unique<TokenVerifier>(options(), [&from](Context&) { return fetch(from); });
    {
      Context ctx;
      runtime::Scope scope;
      scope.spawn(verifier->run(ctx));
      co_await until_loaded(*verifier);
      const std::string stranger = token_of(*SigningKey::generate());
      EXPECT_EQ(reason_of(verifier->verify_now(stranger)), "token_key_unknown");  // asks for a fetch, by a post to this loop
      ctx.cancel();
      co_await scope.join();
    }
    verifier.reset();
    (void)co_await runtime::yield_now();  // what was posted runs now, and must not touch what is gone
    (void)co_await runtime::yield_now();
  }(source));
}

TEST(TokenVerifier, TheLastKeySetIsKeptOnDisk) {
  const Folder folder;
  ASSERT_FALSE(folder.path.empty());
  const std::string file = folder.path + "/jwks.json";
  Source source;
  source.keys = {*SigningKey::generate()};
  const std::string token = token_of(source.keys[0]);
  with_verifier(source, options(file), [](TokenVerifier& v, Context&) -> Task<void> { co_await until_loaded(v); });
  static std::string shared_token;
  shared_token = token;
  source.away = true;
  with_verifier(source, options(file), [](TokenVerifier& v, Context&) -> Task<void> {
    EXPECT_EQ(reason_of(v.verify_now(shared_token)), "ok");
    co_return;
  });
}
