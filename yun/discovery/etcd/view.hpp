#pragma once
// EtcdView: some keys of etcd as they are now: read once, then followed. Private to the driver.
//
//     while (...) { YUN_CHECK(co_await view.follow(ctx)); use(view.entries()); }

#include <map>
#include <memory>
#include <string>

#include "yun/discovery/etcd/client.hpp"

namespace yun::discovery {

class EtcdView {
 public:
  /// `target` outlives it.
  EtcdView(const EtcdTarget& target, EtcdKeys keys) : client_(target), keys_(std::move(keys)) {}

  /// Reads the keys as they are at this moment.
  Task<Result<void>> look(Context& ctx);
  /// The first time, and after an error: look(), and a watch from there on. Else waits for the next change. A watch that was compacted is begun anew at once;
  /// after any other error the entries stay as they were.
  Task<Result<void>> follow(Context& ctx);
  const std::map<std::string, std::string>& entries() const { return entries_; }

 private:
  Task<Result<void>> begin(Context& ctx);

  EtcdClient client_;
  const EtcdKeys keys_;
  std::map<std::string, std::string> entries_;
  std::int64_t revision_ = 0;  ///< that the entries had
  std::unique_ptr<EtcdWatch> watch_;
};

}  // namespace yun::discovery
