#include "yun/discovery/known.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace yun::discovery {
namespace {

using namespace std::chrono_literals;
using Endpoints = std::vector<balance::Endpoint>;

Endpoints at(std::initializer_list<const char*> addresses) {
  Endpoints all;
  for (const char* each : addresses) all.push_back({.address = *runtime::Address::parse(each), .authority = "users", .labels = {{"zone", "a"}}});
  return all;
}

TEST(Known, AnswersInAnotherOrderAreTheSameSet) {
  Known known({});
  const TimePoint now = Clock::now();
  EXPECT_TRUE(known.learn(at({"10.0.0.2:1", "10.0.0.1:1"}), now));
  EXPECT_FALSE(known.learn(at({"10.0.0.1:1", "10.0.0.2:1"}), now));
  EXPECT_EQ(known.set().revision, 1u);
}

TEST(Known, AnEmptyAnswerIsNotBelievedUntilItHasLastedForTheGuard) {
  Known known({.guard = 30s});
  const TimePoint now = Clock::now();
  EXPECT_TRUE(known.learn(at({"10.0.0.1:1"}), now));
  EXPECT_FALSE(known.learn({}, now));
  EXPECT_EQ(known.guarded_until(), now + 30s);
  EXPECT_FALSE(known.learn({}, now + 29s));
  EXPECT_EQ(known.set().endpoints.size(), 1u);
  EXPECT_TRUE(known.learn({}, now + 30s));
  EXPECT_TRUE(known.set().endpoints.empty());
}

TEST(Known, AnAnswerWithEndpointsEndsTheGuard) {
  Known known({.guard = 30s});
  const TimePoint now = Clock::now();
  EXPECT_TRUE(known.learn(at({"10.0.0.1:1"}), now));
  EXPECT_FALSE(known.learn({}, now));
  EXPECT_TRUE(known.learn(at({"10.0.0.2:1"}), now + 10s));
  EXPECT_EQ(known.guarded_until(), TimePoint::max());
  EXPECT_FALSE(known.learn({}, now + 35s)) << "the guard begins anew";
}

TEST(Known, ANewSetIsEmptyAtOnceAndThatIsAnAnswer) {
  Known known({});
  EXPECT_TRUE(known.learn({}, Clock::now()));
  EXPECT_EQ(known.set().revision, 1u);
}

TEST(Known, OutlivesTheProgramInItsFile) {
  const std::string path = ::testing::TempDir() + "yun_known_" + std::to_string(::getpid());
  ::unlink(path.c_str());
  {
    Known first({.keep_in = path});
    EXPECT_FALSE(first.is_stale());
    EXPECT_TRUE(first.learn(at({"10.0.0.1:1", "[::1]:2"}), Clock::now()));
  }
  Known second({.keep_in = path});
  EXPECT_TRUE(second.is_stale());
  EXPECT_EQ(second.set().endpoints, at({"10.0.0.1:1", "[::1]:2"}));
  EXPECT_FALSE(second.learn(at({"10.0.0.1:1", "[::1]:2"}), Clock::now()));
  EXPECT_FALSE(second.is_stale()) << "the registry has said so itself";
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace yun::discovery
