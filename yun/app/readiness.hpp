#pragma once
// Readiness: what must be there before a program says that it is ready.

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "yun/observe/context.hpp"
#include "yun/runtime/task.hpp"

namespace yun::app {

class Readiness {
 public:
  /// `missing` says in words what is not there yet, and "" once all is; it is not asked again then. Before run(); asked on the loop of run().
  void add(std::string name, std::function<std::string()> missing);

  /// Calls `ready` once: when nothing is missing any more, or after `timeout`, with a line in the log that says what is. Goes on asking after that, for the
  /// log and checks(), until all is there or `ctx` ends.
  Task<void> run(Context& ctx, Duration timeout, std::function<void()> ready);

  struct Check {
    std::string name;
    std::string missing;  ///< "" = ready
  };
  /// As last asked. Any thread.
  std::vector<Check> checks() const;

 private:
  /// True if nothing is missing.
  bool ask();
  std::string all_missing() const;

  std::vector<std::function<std::string()>> asks_;
  mutable std::mutex mutex_;
  std::vector<Check> checks_;
};

}  // namespace yun::app
