#pragma once
// Balancer: which endpoint serves the next call, by what the last ones showed.
//
//     balance::Balancer balancer;                      // p2c-ewma
//     balancer.update(set);
//     YUN_TRY(pick, balancer.pick());
//     auto answer = co_await call(ctx, pick.endpoint());
//     pick.report(answer ? balance::Outcome::Success : balance::Outcome::Failure);
//
// What is known of an endpoint is kept by its address across updates. Failing endpoints are ejected for a while, never more than
// a share of them; if every one is ejected all are used. One loop; not thread-safe.

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "yun/balance/endpoint.hpp"
#include "yun/base/result.hpp"
#include "yun/base/units.hpp"

namespace yun::observe::metrics {
class Counter;
}

namespace yun::balance {

enum class Policy : std::uint8_t {
  P2cEwma,         ///< of two at random the one with the smaller peak-EWMA latency x calls in flight (Finagle's)
  RoundRobin,      ///< smooth weighted round robin (nginx's)
  ConsistentHash,  ///< weighted rendezvous hashing of the pick's key: a change moves only the keys of the changed endpoint
};

/// How a call went, as far as the endpoint's health goes.
enum class Outcome : std::uint8_t {
  Success,         ///< it answered, also with a refusal that is the caller's fault (4xx)
  Failure,         ///< 5xx, reset, deadline exceeded
  ConnectFailure,  ///< no connection: nothing was sent
  Ignored,         ///< says nothing of the endpoint (the caller cancelled)
};

class Balancer {
  struct Core;
  struct Node;

 public:
  struct Options {
    Policy policy = Policy::P2cEwma;
    unsigned max_consecutive_failures = 5;          ///< of calls; then ejected
    unsigned max_consecutive_connect_failures = 2;  ///< of connects; then ejected
    Duration first_ejection = std::chrono::seconds(1);
    Duration max_ejection = std::chrono::seconds(30);  ///< doubles up to this with each ejection in a row
    double max_ejected_share = 0.5;                    ///< of the endpoints, rounded down: a lone endpoint is never ejected
    observe::metrics::Counter* ejections = nullptr;    ///< counts them, if given; must outlive the balancer and its picks
    Duration ewma_decay = std::chrono::seconds(10);    ///< time constant of the latency's average
    Duration failure_latency = std::chrono::milliseconds(100);  ///< a failure counts as at least this, or fast failures would attract
    TimePoint (*clock)() = &Clock::now;                         ///< for tests
    std::uint64_t seed = 0;                                     ///< of the random choice; 0 = from the kernel
  };

  Balancer() : Balancer(Options{}) {}
  explicit Balancer(Options options);
  ~Balancer();
  Balancer(Balancer&&) noexcept;
  Balancer& operator=(Balancer&&) noexcept;

  /// A call in progress at one endpoint. Reports when it goes: latency is the time since the pick. May outlive the balancer.
  class Pick {
   public:
    Pick(Pick&&) noexcept = default;
    Pick& operator=(Pick&& other) noexcept {
      std::swap(core_, other.core_);
      std::swap(node_, other.node_);
      std::swap(started_, other.started_);
      std::swap(reported_, other.reported_);
      return *this;
    }
    ~Pick() { report(Outcome::Ignored); }
    /// Valid as long as the pick.
    const Endpoint& endpoint() const;
    /// Ends the call; only the first report counts. For a stream see report_head().
    void report(Outcome outcome);
    /// Reports now but stays counted as in flight until the pick goes: a stream weighs on its endpoint while it lives.
    void report_head(Outcome outcome);

   private:
    friend class Balancer;
    Pick(std::shared_ptr<Core> core, std::shared_ptr<Node> node, TimePoint started)
        : core_(std::move(core)), node_(std::move(node)), started_(started) {}
    std::shared_ptr<Core> core_;
    std::shared_ptr<Node> node_;
    TimePoint started_;
    bool reported_ = false;
  };

  /// Replaces the set; what is known of addresses that stay is kept, of those that went is forgotten.
  void update(const EndpointSet& set);
  /// `key` matters to ConsistentHash only. Endpoints in `avoid` (those that failed this call already) are taken only if nothing else is
  /// left. Unavailable with reason `no_endpoints` if the set is empty.
  Result<Pick> pick(std::string_view key = {}, const std::vector<runtime::Address>& avoid = {});

  struct State {
    Endpoint endpoint;
    bool ejected = false;
    unsigned in_flight = 0;
    Duration latency{};
    std::uint64_t successes = 0;
    std::uint64_t failures = 0;
  };
  /// For /debug and tests.
  std::vector<State> states() const;
  std::size_t size() const;

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace yun::balance
