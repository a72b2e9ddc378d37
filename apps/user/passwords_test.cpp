#include "apps/user/passwords.hpp"

#include <gtest/gtest.h>

using namespace yun;

namespace {
Task<Result<bool>> round_trip(shop::Passwords& passwords, std::string set, std::string tried) {
  Context ctx;
  YUN_TRY(hash, co_await passwords.hash(ctx, set));
  co_return co_await passwords.matches(ctx, tried, hash);
}
Task<Result<bool>> against_nobody(shop::Passwords& passwords) {
  Context ctx;
  std::string none;
  std::string tried = "secret";
  co_return co_await passwords.matches(ctx, tried, none);
}
}  // namespace

TEST(Passwords, OnlyTheRightOneMatches) {
  shop::Passwords passwords;
  EXPECT_TRUE(*runtime::block_on(round_trip(passwords, "secret-1", "secret-1")));
  EXPECT_FALSE(*runtime::block_on(round_trip(passwords, "secret-1", "secret-2")));
}

TEST(Passwords, AnUnknownUserTakesAsLongAsAWrongPassword) {
  shop::Passwords passwords;
  const auto timed = [](auto work) {
    std::vector<Duration> times;
    for (int i = 0; i < 15; ++i) {
      const auto start = Clock::now();
      EXPECT_FALSE(work());
      times.push_back(Clock::now() - start);
    }
    std::sort(times.begin(), times.end());
    return static_cast<double>(times[2].count());  // a low quantile: what else runs here only ever adds
  };
  Context ctx;
  const auto hash = runtime::block_on([](shop::Passwords& p) -> Task<Result<std::string>> {
    Context inner;
    std::string secret = "right";
    co_return co_await p.hash(inner, secret);
  }(passwords));
  const double wrong = timed([&] {
    return *runtime::block_on([](shop::Passwords& p, std::string h) -> Task<Result<bool>> {
      Context inner;
      std::string tried = "wrong";
      co_return co_await p.matches(inner, tried, h);
    }(passwords, *hash));
  });
  const double unknown = timed([&] { return *runtime::block_on(against_nobody(passwords)); });
  EXPECT_NEAR(unknown / wrong, 1.0, 0.4);  // a missing hash would be 0.01; the live test measures closer
}
