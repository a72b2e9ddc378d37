#pragma once
// Known: the endpoints that a registry's resolver goes by: the last good ones, whatever becomes of the registry. Private to the room's drivers.
//
// A registry that comes back empty does not empty the set at once: the old endpoints stay for the guard's time, and the channel's own ejection sorts out
// those that are dead. With a file the set outlives the program: it is what a start without the registry begins with, marked stale until it answers.

#include <string>
#include <vector>

#include "yun/balance/endpoint.hpp"
#include "yun/base/result.hpp"
#include "yun/base/units.hpp"

namespace yun::discovery {

class Known {
 public:
  struct Options {
    std::string name = {};                       ///< for log lines: the resolver's URL
    Duration guard = std::chrono::seconds(30);   ///< how long an empty answer is not believed; zero = at once
    std::string keep_in = {};                    ///< file; "" = none
  };
  /// Reads the file, if there is one that can be read.
  explicit Known(Options options);

  /// What the registry says now. True if the set changed.
  bool learn(std::vector<balance::Endpoint> found, TimePoint now);
  const balance::EndpointSet& set() const { return set_; }
  /// From the file: the registry has not answered yet.
  bool is_stale() const { return stale_; }
  /// An empty answer is being held back: ask again by then. TimePoint::max() if none is.
  TimePoint guarded_until() const { return guarded_until_; }

 private:
  void keep() const;
  Options options_;
  balance::EndpointSet set_;
  bool stale_ = false;
  TimePoint guarded_until_ = TimePoint::max();
};

}  // namespace yun::discovery
