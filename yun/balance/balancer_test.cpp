#include "yun/balance/balancer.hpp"

#include <gtest/gtest.h>

#include <map>

#include "yun/observe/metrics/registry.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::balance;

namespace {

TimePoint virtual_now{1h};
TimePoint virtual_clock() { return virtual_now; }

EndpointSet endpoints(int count, std::uint64_t revision = 1) {
  EndpointSet set;
  set.revision = revision;
  for (int i = 0; i < count; ++i) {
    Endpoint endpoint;
    endpoint.address = *runtime::Address::parse("10.0.0." + std::to_string(i + 1) + ":80");
    endpoint.authority = "users";
    set.endpoints.push_back(endpoint);
  }
  return set;
}

Balancer make(Policy policy, int count) {
  Balancer balancer({.policy = policy, .clock = &virtual_clock, .seed = 42});
  balancer.update(endpoints(count));
  return balancer;
}

std::string call(Balancer& balancer, Duration latency, Outcome outcome, std::string_view key = {}) {
  auto pick = balancer.pick(key);
  EXPECT_TRUE(pick);
  virtual_now += latency;
  const std::string host = pick->endpoint().address.host();
  pick->report(outcome);
  return host;
}

/// Fails calls until `host` has failed `times` times.
void fail(Balancer& balancer, std::string_view host, int times, Outcome outcome = Outcome::Failure) {
  for (int done = 0; done < times;) {
    auto pick = balancer.pick();
    ASSERT_TRUE(pick);
    const bool match = pick->endpoint().address.host() == host;
    pick->report(match ? outcome : Outcome::Success);
    if (match) ++done;
  }
}

bool ejected(const Balancer& balancer, std::string_view host) {
  for (const auto& state : balancer.states()) {
    if (state.endpoint.address.host() == host) return state.ejected;
  }
  return false;
}

}  // namespace

TEST(Balancer, AnEmptySetIsUnavailable) {
  Balancer balancer;
  auto pick = balancer.pick();
  ASSERT_FALSE(pick);
  EXPECT_EQ(pick.error().code(), Code::Unavailable);
  EXPECT_EQ(pick.error().reason(), "no_endpoints");
}

TEST(Balancer, RoundRobinFollowsTheWeights) {
  Balancer balancer({.policy = Policy::RoundRobin, .clock = &virtual_clock});
  auto set = endpoints(3);
  set.endpoints[0].weight = 5;
  balancer.update(set);
  std::string order;
  for (int i = 0; i < 7; ++i) order += call(balancer, 1ms, Outcome::Success).back();
  EXPECT_EQ(order, "1121311");
}

TEST(Balancer, TheSlowEndpointGetsTheSmallShare) {
  Balancer balancer = make(Policy::P2cEwma, 3);
  std::map<std::string, int> counts;
  for (int i = 0; i < 3000; ++i) {
    auto pick = balancer.pick();
    ASSERT_TRUE(pick);
    const std::string host = pick->endpoint().address.host();
    ++counts[host];
    virtual_now += host == "10.0.0.1" ? 50ms : 1ms;
    pick->report(Outcome::Success);
  }
  EXPECT_LT(counts["10.0.0.1"], 150);
  EXPECT_GT(counts["10.0.0.1"], 0);  // its average decays: it is tried again
  EXPECT_GT(counts["10.0.0.2"], 500);
  EXPECT_GT(counts["10.0.0.3"], 500);
}

TEST(Balancer, CallsInFlightWeighOnTheirEndpoint) {
  Balancer balancer = make(Policy::P2cEwma, 2);
  for (int i = 0; i < 10; ++i) call(balancer, 1ms, Outcome::Success);
  std::vector<Balancer::Pick> held;
  for (int i = 0; i < 10; ++i) held.push_back(std::move(*balancer.pick()));
  for (const auto& state : balancer.states()) EXPECT_NEAR(state.in_flight, 5, 3);
  held.clear();
  for (const auto& state : balancer.states()) EXPECT_EQ(state.in_flight, 0U);
}

TEST(Balancer, FiveFailuresInARowEjectForASecondThenForTwo) {
  Balancer balancer = make(Policy::RoundRobin, 3);
  fail(balancer, "10.0.0.2", 4);
  EXPECT_FALSE(ejected(balancer, "10.0.0.2"));
  fail(balancer, "10.0.0.2", 1);
  EXPECT_TRUE(ejected(balancer, "10.0.0.2"));
  for (int i = 0; i < 20; ++i) EXPECT_NE(call(balancer, 1ms, Outcome::Success), "10.0.0.2");
  virtual_now += 1s;
  EXPECT_FALSE(ejected(balancer, "10.0.0.2"));
  fail(balancer, "10.0.0.2", 1);  // still failing: the first one is enough now
  EXPECT_TRUE(ejected(balancer, "10.0.0.2"));
  virtual_now += 1500ms;
  EXPECT_TRUE(ejected(balancer, "10.0.0.2"));
  virtual_now += 600ms;
  EXPECT_FALSE(ejected(balancer, "10.0.0.2"));
}

TEST(Balancer, CountsEjectionsNotFailures) {
  observe::metrics::Registry registry;
  auto& ejections = registry.counter("ejections_total", "Ejections.");
  Balancer balancer({.policy = Policy::RoundRobin, .ejections = &ejections, .clock = &virtual_clock, .seed = 42});
  balancer.update(endpoints(3));
  fail(balancer, "10.0.0.2", 4);
  EXPECT_EQ(ejections.value(), 0);
  fail(balancer, "10.0.0.2", 1);
  EXPECT_EQ(ejections.value(), 1);
  virtual_now += 1s;
  fail(balancer, "10.0.0.2", 1);
  EXPECT_EQ(ejections.value(), 2);
}

TEST(Balancer, TwoConnectFailuresEject) {
  Balancer balancer = make(Policy::RoundRobin, 2);
  fail(balancer, "10.0.0.1", 2, Outcome::ConnectFailure);
  EXPECT_TRUE(ejected(balancer, "10.0.0.1"));
}

TEST(Balancer, EjectionGrowsNoLongerThanItsMaximum) {
  Balancer balancer = make(Policy::RoundRobin, 2);
  for (int i = 0; i < 12; ++i) {
    fail(balancer, "10.0.0.1", i == 0 ? 5 : 1);
    ASSERT_TRUE(ejected(balancer, "10.0.0.1"));
    virtual_now += 30s;
    ASSERT_FALSE(ejected(balancer, "10.0.0.1"));
  }
}

TEST(Balancer, AtMostHalfAreEjectedAndALoneEndpointNever) {
  Balancer four = make(Policy::RoundRobin, 4);
  for (int i = 0; i < 200; ++i) call(four, 0ms, Outcome::Failure);
  int count = 0;
  for (const auto& state : four.states()) count += state.ejected;
  EXPECT_EQ(count, 2);
  Balancer lone = make(Policy::P2cEwma, 1);
  for (int i = 0; i < 20; ++i) call(lone, 0ms, Outcome::ConnectFailure);
  EXPECT_FALSE(ejected(lone, "10.0.0.1"));
}

TEST(Balancer, WhenAllThatAreLeftAreEjectedAllAreUsed) {
  Balancer balancer = make(Policy::RoundRobin, 2);
  fail(balancer, "10.0.0.1", 5);
  ASSERT_TRUE(ejected(balancer, "10.0.0.1"));
  balancer.update(endpoints(1, 2));
  EXPECT_EQ(call(balancer, 0ms, Outcome::Success), "10.0.0.1");
}

TEST(Balancer, WhatIsKnownOfAnAddressOutlivesAnUpdate) {
  Balancer balancer = make(Policy::RoundRobin, 3);
  fail(balancer, "10.0.0.2", 5);
  balancer.update(endpoints(5, 2));
  EXPECT_EQ(balancer.size(), 5U);
  EXPECT_TRUE(ejected(balancer, "10.0.0.2"));
}

TEST(Balancer, APickMayOutliveItsBalancerAndItsEndpoint) {
  std::vector<Balancer::Pick> picks;
  {
    Balancer balancer = make(Policy::RoundRobin, 2);
    picks.push_back(std::move(*balancer.pick()));
    balancer.update(endpoints(0, 2));
  }
  EXPECT_EQ(picks[0].endpoint().address.host(), "10.0.0.1");
  picks[0].report(Outcome::Failure);
}

TEST(Balancer, AnIgnoredCallSaysNothing) {
  Balancer balancer = make(Policy::RoundRobin, 1);
  call(balancer, 1ms, Outcome::Ignored);
  EXPECT_EQ(balancer.states()[0].failures + balancer.states()[0].successes, 0U);
}

TEST(Balancer, AvoidedEndpointsAreTakenOnlyWhenNothingElseIsLeft) {
  Balancer balancer = make(Policy::P2cEwma, 2);
  const auto first = *runtime::Address::parse("10.0.0.1:80");
  const auto second = *runtime::Address::parse("10.0.0.2:80");
  for (int i = 0; i < 20; ++i) {
    auto pick = balancer.pick({}, {first});
    EXPECT_EQ(pick->endpoint().address, second);
  }
  EXPECT_TRUE(balancer.pick({}, {first, second}));
}

TEST(Balancer, ConsistentHashMovesOnlyTheKeysOfTheEndpointThatWent) {
  Balancer balancer = make(Policy::ConsistentHash, 5);
  std::map<std::string, std::string> before;
  for (int i = 0; i < 1000; ++i) before[std::to_string(i)] = call(balancer, 0ms, Outcome::Success, std::to_string(i));
  balancer.update(endpoints(4, 2));
  int moved = 0;
  for (const auto& [key, host] : before) {
    const auto now = call(balancer, 0ms, Outcome::Success, key);
    if (host != "10.0.0.5") {
      EXPECT_EQ(now, host);
    } else {
      ++moved;
    }
  }
  EXPECT_NEAR(moved, 200, 80);
}
