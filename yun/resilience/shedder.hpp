#pragma once
// LoadShedder: says no to requests while their loop has more work than time, so that those it takes are served in time.
//
// On a loop the queue stands in front of the handler: in the sockets' buffers and in the list of what is ready. What is watched is how long a
// request has stood there, never how long its handler takes: a handler that waits (for a timer, a database, a long poll, a stream) costs no time.
//
//     if (!shedder.admit(loop.latest(), {loop.now(), loop.before(), loop.busy()})) ... 503, Retry-After
//
// Overload begins when requests have waited longer than `tolerance` for all of `interval` (CoDel's rule: not one of them came through in time, so it
// is no burst). From then on each turn of the loop takes its first request and those that waited little; what little is follows the loop's idle
// time: more when shedding left it idle, less when it never was. It ends when all that came, taken and refused, would have fitted into the time.
// One a loop; not thread-safe. docs/decisions/overload.md has the reasons and the figures.

#include <cstdint>

#include "yun/base/units.hpp"

namespace yun::resilience {

struct LoadShedderOptions {
  /// A shorter wait in front of the handler is no overload. Raised to 40 times the mean cost of a request, to one second at most.
  Duration tolerance = std::chrono::milliseconds(100);
  /// Waits must be longer than that for so long without a break. Raised to 20 times the mean cost of a request.
  Duration interval = std::chrono::milliseconds(50);
  /// Requests that cost less of the loop's time than this are never refused: a refusal would cost about as much.
  Duration worth = std::chrono::microseconds(100);
  /// What a refusal costs, and the share of the loop's time that may go into refusals. Beyond it requests are taken, however late, or clients that
  /// ask again at once would leave no time to serve anyone.
  Duration refusal_cost = std::chrono::microseconds(20);
  double refusal_share = 0.25;
};

class LoadShedder {
 public:
  /// One turn of the loop, as seen by a request that begins in it.
  struct Turn {
    TimePoint began;  ///< when the loop was told what is ready
    Duration before;  ///< how long the turn before it took; zero if the loop slept in between: nothing can have waited
    Duration busy;    ///< the loop's working time up to `began`, since it started
  };

  LoadShedder() : LoadShedder(LoadShedderOptions{}) {}
  explicit LoadShedder(LoadShedderOptions options);

  /// True: serve it. `now` is the request's own beginning. Two comparisons while there is no overload.
  bool admit(TimePoint now, const Turn& turn) {
    if (turn.began != turn_began_) [[unlikely]] begin(turn);
    ++seen_;
    const Duration waited = now - turn.began + turn.before;
    if (!overloaded_ && waited <= tolerance_) [[likely]] {
      late_since_ = TimePoint::max();
      return true;
    }
    return decide(now, waited);
  }

  bool overloaded() const { return overloaded_; }
  /// The loop's time that a request costs, averaged; zero until known.
  Duration cost() const { return cost_; }
  /// During an overload: those who waited no longer are taken.
  Duration patience() const { return Duration(static_cast<std::int64_t>(patience_ * static_cast<double>(cost_.count()))); }
  /// Since it was made.
  std::uint64_t refused() const { return refused_; }

 private:
  void begin(const Turn& turn);
  void close_window(Duration elapsed, Duration busy);
  bool decide(TimePoint now, Duration waited);

  LoadShedderOptions options_;
  bool overloaded_ = false;
  bool turn_has_one_ = false;
  Duration tolerance_;
  TimePoint turn_began_ = TimePoint::min();
  TimePoint late_since_ = TimePoint::max();
  Duration cost_{};
  double patience_;  ///< in costs of a request
  Duration credit_{};
  std::uint64_t refused_ = 0;
  // The window: what came since it began.
  TimePoint window_began_ = TimePoint::min();
  Duration window_busy_{};
  std::uint32_t seen_ = 0;
  std::uint32_t said_no_ = 0;
};

}  // namespace yun::resilience
