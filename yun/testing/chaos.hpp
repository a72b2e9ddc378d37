#pragma once
// ChaosProxy: a TCP proxy in front of a real server, that does to its connections what networks and dying hosts do.
//
//     testing::ChaosProxy proxy(redis->address());
//     auto client = redis::Client::open("redis://" + proxy.address().to_string());
//     proxy.set({.mode = Mode::Blackhole});          // from now on, also for connections that are there
//     proxy.cut();                                   // and these are reset

#include <chrono>
#include <cstdint>
#include <memory>

#include "yun/runtime/net.hpp"

namespace yun::testing {

enum class Mode : std::uint8_t {
  Pass,
  Refuse,     ///< nobody listens: new connections are refused, those that are there go on
  Blackhole,  ///< connections are taken, and nothing that is sent arrives, nor is it read: senders see a full window after a while
  OneByte,    ///< each byte is a packet of its own
  Corrupt,    ///< every `every`th byte to the client is flipped (all its bits)
};

struct Chaos {
  Mode mode = Mode::Pass;
  std::chrono::milliseconds delay{0};  ///< added to all that is sent, in each direction; order is kept
  std::uint64_t every = 1000;          ///< for Corrupt: bytes, counted for each connection since it was made
};

/// Has a thread of its own and ends with it. All calls are thread-safe; they have taken effect when they return.
class ChaosProxy {
 public:
  /// On a free port of 127.0.0.1. Aborts if there is none.
  explicit ChaosProxy(runtime::Address server);
  ~ChaosProxy();
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  /// Stays the same, also across Refuse.
  runtime::Address address() const;

  void set(Chaos chaos);
  /// Resets (RST) each connection, on both sides.
  void cut();
  /// Sends FIN to each client; what the client sends still goes to the server, but no answer comes back.
  void half_close();

  struct Counts {
    std::uint64_t accepted = 0;   ///< connections taken since the proxy began
    std::uint64_t open = 0;       ///< connections now
    std::uint64_t to_server = 0;  ///< bytes passed on
    std::uint64_t to_client = 0;
  };
  Counts counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yun::testing
