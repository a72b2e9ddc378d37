#pragma once
// testing: what tests of programs on real servers stand on. Shipped, so that a stranger's driver can be proven as ours are.
//
//     auto redis = testing::Peer::start("redis");                 // the real one, on a free port, in a folder of its own
//     ASSERT_TRUE(redis) << redis.error().to_string();
//     auto cache = cache::open("redis://" + redis->address().to_string());
//     redis->freeze();                                            // SIGSTOP: connected, but it answers nothing
//
//     testing::ChaosProxy proxy(redis->address());                // between the two: cut, delay, corrupt, refuse ..
//
// Names: Peer, ChaosProxy.

#include "yun/testing/chaos.hpp"
#include "yun/testing/peer.hpp"
