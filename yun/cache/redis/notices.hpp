#pragma once
// Notices: what a client leaves behind for its operators: metrics, and a log line a minute at most while Redis is away. Shared by all loops.

#include <atomic>
#include <string>

#include "yun/base/error.hpp"
#include "yun/cache/redis/options.hpp"
#include "yun/observe/metrics/registry.hpp"

namespace yun::cache::redis {

class Notices {
 public:
  explicit Notices(const Options& options);

  /// A connection is up, or was and is not any more.
  void up();
  void down();
  /// Redis cannot be reached, or went away: counted, logged at most once a minute.
  void away(const Error& why);
  void call(const Error* error, Duration took, const observe::trace::SpanContext& trace);

  /// Lines of away() are this far apart; for tests.
  static constexpr Duration kPause = std::chrono::minutes(1);

 private:
  std::string where_;
  std::string name_;
  std::atomic<std::int64_t> next_line_{0};
  std::atomic<bool> told_{false};  ///< the last line said that it is away
  observe::metrics::Family<observe::metrics::Counter>* calls_ = nullptr;
  observe::metrics::Histogram* seconds_ = nullptr;
  observe::metrics::UpDownCounter* connections_ = nullptr;
  observe::metrics::Counter* connected_ = nullptr;
  observe::metrics::Counter* lost_ = nullptr;
};

}  // namespace yun::cache::redis
