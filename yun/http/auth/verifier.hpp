#pragma once
// TokenVerifier: checks bearer tokens against a JWK set that is fetched, refreshed, kept on disk, and shared by all loops.
//
//     TokenVerifier verifier({.expected = {.issuer = "shop", .audience = "shop"}, .keep_in = "data/jwks.json"}, fetch);
//     scope.spawn(verifier.run(ctx));                                  // one task a program
//     YUN_TRY(claims, co_await verifier.verify(ctx, token));           // on any loop
//
// Guarantees: a verified token is remembered per loop until its exp or until the key set changes, whichever is first. A token of an unknown
// key makes the set be fetched again, at most each `min_refetch`. Without any key set yet: Unavailable, reason jwks_unavailable.

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "yun/http/auth/jwt.hpp"
#include "yun/observe/context.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http {

class TokenVerifier {
 public:
  struct Options {
    Expectation expected;
    Duration refresh_every = std::chrono::minutes(5);
    /// How soon again after a failure, and how often unknown keys may cause a fetch.
    Duration min_refetch = std::chrono::seconds(2);
    /// A file for the last good key set, read at start when the source is away; "" = none.
    std::string keep_in;
    /// Verified tokens remembered on each loop.
    std::size_t max_remembered = 10'000;
    /// The wall clock that a token's times are held against; called on any loop. Tests give their own.
    Time (*clock)() = &now;
  };
  /// Gives the text of a JWK set; called on the loop that runs run().
  using Fetch = std::function<Task<Result<std::string>>(Context&)>;

  TokenVerifier(Options options, Fetch fetch);
  ~TokenVerifier();

  /// Fetches now and again until `ctx` ends. Spawn it once.
  Task<void> run(Context& ctx);

  /// Unauthenticated with the reasons of KeySet::verify, or Unavailable jwks_unavailable.
  Task<Result<Claims>> verify(Context& ctx, std::string_view token);
  /// verify() without waiting: for hooks that are no coroutines. A token of an unknown key is refused, while the keys are fetched for the next.
  Result<Claims> verify_now(std::string_view token);
  /// Whether any key set is loaded.
  bool has_keys() const { return version_.load(std::memory_order_acquire) != 0; }

 private:
  struct Remembered;
  static constexpr std::size_t kLoops = 64;
  Remembered& remembered();
  std::shared_ptr<const KeySet> keys() const;
  Result<void> adopt(const std::string& text);
  void ask_refetch();

  Options options_;
  Fetch fetch_;
  mutable std::mutex mutex_;
  std::shared_ptr<const KeySet> keys_;
  std::string text_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::int64_t> next_refetch_{0};
  runtime::Loop* home_ = nullptr;
  std::shared_ptr<runtime::Event> wanted_ = std::make_shared<runtime::Event>();  ///< shared with what is posted to `home_`, which may run after we are gone
  std::array<std::unique_ptr<Remembered>, kLoops> remembered_;
};

}  // namespace yun::http
