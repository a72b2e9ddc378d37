#include "apps/user/passwords.hpp"

#include <sodium.h>

namespace shop {

namespace {

constexpr unsigned kAtOnce = 2;
constexpr std::size_t kQueued = 64;
constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemory = 19'456 * 1024;

/// A hash of nothing in particular, for unknown users: verifying against it takes as long and never succeeds.
constexpr const char* kNobody = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

yun::Error busy_or(yun::Error error) {
  if (error.reason() != "blocking_pool_full") return error;
  return yun::unavailable("too many passwords are being checked").with_reason("hashing_busy").with_retry_after(std::chrono::seconds(1));
}

}  // namespace

Passwords::Passwords() : pool_({.threads = kAtOnce, .max_queued = kQueued}) {
  if (sodium_init() < 0) std::abort();  // no source of randomness: nothing can be done safely
}

yun::Task<yun::Result<std::string>> Passwords::hash(yun::Context& ctx, std::string password) {
  auto work = [password = std::move(password)]() -> yun::Result<std::string> {
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_argon2id_str(hash, password.data(), password.size(), kPasses, kMemory) != 0)
      return yun::unavailable("no memory to hash a password").with_reason("hashing_busy").with_retry_after(std::chrono::seconds(1));
    return std::string(hash);
  };
  auto hashed = co_await pool_.run(ctx, std::move(work));
  if (!hashed) co_return busy_or(std::move(hashed).error());
  co_return std::move(*hashed);
}

yun::Task<yun::Result<bool>> Passwords::matches(yun::Context& ctx, std::string password, std::string hash) {
  auto work = [password = std::move(password), hash = std::move(hash)]() -> yun::Result<bool> {
    const char* against = hash.empty() ? kNobody : hash.c_str();
    return crypto_pwhash_argon2id_str_verify(against, password.data(), password.size()) == 0 && !hash.empty();
  };
  auto matched = co_await pool_.run(ctx, std::move(work));
  if (!matched) co_return busy_or(std::move(matched).error());
  co_return *matched;
}

}  // namespace shop
